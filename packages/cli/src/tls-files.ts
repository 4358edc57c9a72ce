import { accessSync, constants } from 'node:fs';
import { CeleriacError } from '@celeriac/protocol';

/** Variables that name files of TLS, and the transport option each stands for. */
export const TLS_VARIABLES = {
  CELERIAC_TLS_CA_FILE: 'sslCaCerts',
  CELERIAC_TLS_CERT_FILE: 'sslCertfile',
  CELERIAC_TLS_KEY_FILE: 'sslKeyfile',
} as const;

/**
 * The transport option `sslDefaults` that the environment asks for: the files, and that the server's certificate is verified. It makes no
 * URL a secure one; what the URL or the option `ssl` says comes before it. Undefined where no variable is set.
 * @throws CeleriacError CELERIAC_E_CONFIG for a file that cannot be read, and for a certificate without its key
 */
export function tlsDefaultsOf(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> | undefined {
  const set = Object.entries(TLS_VARIABLES).flatMap(([variable, option]) => {
    const file = env[variable];
    return file === undefined || file === '' ? [] : [{ variable, option, file }];
  });
  if (set.length === 0) return undefined;
  for (const { variable, file } of set) {
    try {
      accessSync(file, constants.R_OK);
    } catch (cause) {
      throw new CeleriacError('CELERIAC_E_CONFIG', `${variable} names a file that cannot be read: ${file} (${(cause as Error).message})`, {
        cause,
      });
    }
  }
  const named = new Set(set.map(({ option }) => option));
  if (named.has('sslCertfile') !== named.has('sslKeyfile')) {
    throw new CeleriacError('CELERIAC_E_CONFIG', 'CELERIAC_TLS_CERT_FILE and CELERIAC_TLS_KEY_FILE go together: one of them is missing');
  }
  return { sslCertReqs: 'required', ...Object.fromEntries(set.map(({ option, file }) => [option, file])) };
}
