import { readFileSync } from 'node:fs';
import { CeleriacError } from '@celeriac/protocol';

/**
 * The password of the sentinels, from the first line of the file that CELERIAC_SENTINEL_PASSWORD_FILE names; undefined where it names none.
 * It is the sentinels' own: that of Redis is in the URL.
 * @throws CeleriacError CELERIAC_E_CONFIG for a file that cannot be read or is empty
 */
export function sentinelPasswordOf(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const { CELERIAC_SENTINEL_PASSWORD_FILE: file } = env;
  if (file === undefined || file === '') return undefined;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new CeleriacError('CELERIAC_E_CONFIG', `CELERIAC_SENTINEL_PASSWORD_FILE names a file that cannot be read: ${file} (${reason})`, {
      cause,
    });
  }
  const [password = ''] = text.split(/\r?\n/, 1);
  if (password === '')
    throw new CeleriacError('CELERIAC_E_CONFIG', `CELERIAC_SENTINEL_PASSWORD_FILE names a file without a password: ${file}`);
  return password;
}
