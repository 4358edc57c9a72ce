import { CeleriacError } from '@celeriac/protocol';

/** The promise's value, or CELERIAC_E_TIMEOUT when it takes longer: a sample that comes late is none. */
export async function inTime<T>(promise: Promise<T>, limitMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new CeleriacError('CELERIAC_E_TIMEOUT', `${what} took longer than ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
