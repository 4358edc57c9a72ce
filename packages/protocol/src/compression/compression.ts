import { CeleriacError } from '../errors/celeriac-error.ts';

type Zlib = typeof import('node:zlib');
type Algorithm = 'zlib' | 'brotli' | 'zstd';

/** kombu/compression.py: the mime types and the aliases it accepts. kombu's gzip is a zlib stream (RFC 1950); real gzip is read too. */
const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map<string, Algorithm>([
  ['application/x-gzip', 'zlib'],
  ['application/gzip', 'zlib'],
  ['gzip', 'zlib'],
  ['zlib', 'zlib'],
  ['deflate', 'zlib'],
  ['application/x-brotli', 'brotli'],
  ['brotli', 'brotli'],
  ['application/zstd', 'zstd'],
  ['zstd', 'zstd'],
  ['zstandard', 'zstd'],
]);

/** The bytes, or why there are none. */
export type Inflated =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'fault'; readonly reason: string; readonly tooLarge: boolean };

/** Compresses a body as kombu's `gzip`. Throws CELERIAC_E_COMPRESSION where the runtime has no zlib. */
export function compressBody(bytes: Uint8Array, name: 'gzip' | 'deflate'): { readonly bytes: Uint8Array; readonly contentType: string } {
  const zlib = loadZlib();
  if (zlib === undefined) throw new CeleriacError('CELERIAC_E_COMPRESSION', `This runtime has no zlib for ${name}.`);
  return { bytes: zlib.deflateSync(bytes), contentType: 'application/x-gzip' };
}

/** Decompresses, never to more than `maxBytes`. Does not throw. */
export function inflate(bytes: Uint8Array, compression: string, maxBytes: number): Inflated {
  const algorithm = ALGORITHMS.get(compression.toLowerCase());
  if (algorithm === undefined) return fault('its compression is not one this version reads (gzip, brotli, zstd)');
  const zlib = loadZlib();
  const run = zlib === undefined ? undefined : runner(zlib, algorithm);
  if (run === undefined) return fault(`this runtime cannot read ${algorithm}`);
  try {
    return { kind: 'bytes', bytes: run(bytes, maxBytes) };
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE')
      return fault(`it is larger than ${maxBytes} bytes when decompressed`, true);
    return fault('its compressed data is corrupt');
  }
}

function runner(zlib: Zlib, algorithm: Algorithm): ((bytes: Uint8Array, maxBytes: number) => Uint8Array) | undefined {
  switch (algorithm) {
    case 'zlib':
      return (bytes, maxOutputLength) => zlib.unzipSync(bytes, { maxOutputLength });
    case 'brotli':
      return (bytes, maxOutputLength) => zlib.brotliDecompressSync(bytes, { maxOutputLength });
    case 'zstd':
      return typeof zlib.zstdDecompressSync === 'function'
        ? (bytes, maxOutputLength) => zlib.zstdDecompressSync(bytes, { maxOutputLength })
        : undefined;
  }
}

function loadZlib(): Zlib | undefined {
  return typeof process === 'object' && typeof process.getBuiltinModule === 'function' ? process.getBuiltinModule('node:zlib') : undefined;
}

function fault(reason: string, tooLarge = false): Inflated {
  return { kind: 'fault', reason, tooLarge };
}
