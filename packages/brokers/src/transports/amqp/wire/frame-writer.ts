const DEFAULT_BYTES = 256 * 1024;
const SHORT_TEXT = 48;

/** A growing buffer for frames; reused, so `take` before the next turn. */
export interface FrameWriter {
  readonly length: number;
  /** Back to a length it had before, dropping what was written since. */
  truncate(length: number): void;
  octet(value: number): void;
  short(value: number): void;
  long(value: number): void;
  longlong(value: bigint): void;
  double(value: number): void;
  /** UTF-8 behind a length of one octet; throws RangeError over 255 bytes. */
  shortText(text: string): void;
  /** UTF-8 behind a length of four octets. */
  longText(text: string): void;
  bytes(bytes: Uint8Array): void;
  /** Overwrites four octets written before. */
  longAt(offset: number, value: number): void;
  /** A copy of everything written, and begins anew. */
  take(): Buffer;
}

/** Texts of a few ASCII characters, which is what headers are made of, are written without a call into native code. */
export function createFrameWriter(initialBytes: number = DEFAULT_BYTES): FrameWriter {
  let buffer = Buffer.allocUnsafe(initialBytes);
  let length = 0;

  const reserve = (bytes: number): void => {
    if (length + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, length + bytes));
    buffer.copy(larger, 0, 0, length);
    buffer = larger;
  };
  /** Writes text without its length, returns the number of bytes. */
  const text = (value: string): number => {
    const characters = value.length;
    reserve(characters * 3);
    if (characters <= SHORT_TEXT) {
      let index = 0;
      for (; index < characters; index++) {
        const code = value.charCodeAt(index);
        if (code > 127) break;
        buffer[length + index] = code;
      }
      if (index === characters) {
        length += characters;
        return characters;
      }
    }
    const written = buffer.write(value, length, 'utf8');
    length += written;
    return written;
  };

  return {
    get length() {
      return length;
    },
    truncate(to) {
      length = to;
    },
    octet(value) {
      reserve(1);
      buffer[length++] = value;
    },
    short(value) {
      reserve(2);
      length = buffer.writeUInt16BE(value, length);
    },
    long(value) {
      reserve(4);
      buffer[length++] = value >>> 24;
      buffer[length++] = value >>> 16;
      buffer[length++] = value >>> 8;
      buffer[length++] = value;
    },
    longlong(value) {
      reserve(8);
      length = buffer.writeBigUInt64BE(BigInt.asUintN(64, value), length);
    },
    double(value) {
      reserve(8);
      length = buffer.writeDoubleBE(value, length);
    },
    shortText(value) {
      reserve(1);
      const at = length++;
      const written = text(value);
      if (written > 255) throw new RangeError(`a text of ${written} bytes does not fit into 255`);
      buffer[at] = written;
    },
    longText(value) {
      reserve(4);
      const at = length;
      length += 4;
      const written = text(value);
      buffer.writeUInt32BE(written, at);
    },
    bytes(bytes) {
      reserve(bytes.length);
      buffer.set(bytes, length);
      length += bytes.length;
    },
    longAt(offset, value) {
      buffer.writeUInt32BE(value, offset);
    },
    take() {
      const taken = Buffer.from(buffer.subarray(0, length));
      length = 0;
      return taken;
    },
  };
}
