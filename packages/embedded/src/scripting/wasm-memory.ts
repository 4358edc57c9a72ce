const MEMORY_SECTION = 5;
const PAGE_BYTES = 65_536;

/**
 * The module with another fixed memory size. The package ships 64 MB, which one script over a few large messages
 * exceeds; pages that are never touched cost nothing.
 */
export function withMemory(module: Uint8Array, bytes: number): Uint8Array<ArrayBuffer> {
  let at = 8;
  while (at < module.length) {
    const id = module[at];
    const size = readUnsigned(module, at + 1);
    const end = size.end + size.value;
    if (id === MEMORY_SECTION) {
      const pages = writeUnsigned(Math.ceil(bytes / PAGE_BYTES));
      const body = [1, 1, ...pages, ...pages];
      return new Uint8Array(
        Buffer.concat([module.subarray(0, at), Uint8Array.from([id, ...writeUnsigned(body.length), ...body]), module.subarray(end)]),
      );
    }
    at = end;
  }
  throw new Error('the script engine has no memory section');
}

function readUnsigned(bytes: Uint8Array, from: number): { value: number; end: number } {
  let value = 0;
  let end = from;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[end++]!;
    value |= (byte & 127) << shift;
    if (byte < 128) return { value, end };
  }
}

function writeUnsigned(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) out.push((rest & 127) | 128);
  out.push(rest);
  return out;
}
