import { FRAME_HEAD_BYTES } from './frame-types.ts';

/** Receives one frame: its payload is `bytes[start, end)`, valid only during the call. Returns a text to refuse the stream. */
export type FrameSink = (type: number, bytes: Buffer, start: number, end: number) => string | undefined;

/**
 * Cuts a byte stream into frames. Total: any bytes give frames or one refusal, never a throw of its own, and memory is spent only on bytes that
 * have arrived, up to the limit of the frame's type.
 */
export class FrameDecoder {
  readonly #limitBytes: (type: number) => number;
  readonly #sink: FrameSink;
  #rest: Buffer[] = [];
  #restBytes = 0;
  /** Bytes needed before the next attempt can get further. */
  #neededBytes = FRAME_HEAD_BYTES;
  #refusal: string | undefined;

  /** `limitBytes` gives the longest frame of a type (type and payload), 0 for an unknown type. */
  constructor(limitBytes: (type: number) => number, sink: FrameSink) {
    this.#limitBytes = limitBytes;
    this.#sink = sink;
  }

  /** Takes the next bytes; returns why the stream is refused, once and for all, or undefined. */
  push(chunk: Buffer): string | undefined {
    if (this.#refusal !== undefined) return this.#refusal;
    if (this.#restBytes === 0) return this.#cut(chunk);
    this.#rest.push(chunk);
    this.#restBytes += chunk.length;
    if (this.#restBytes < this.#neededBytes) return undefined;
    const whole = Buffer.concat(this.#rest, this.#restBytes);
    this.#rest = [];
    this.#restBytes = 0;
    return this.#cut(whole);
  }

  #cut(bytes: Buffer): string | undefined {
    let at = 0;
    while (bytes.length - at >= FRAME_HEAD_BYTES) {
      const length = bytes.readUInt32LE(at);
      const type = bytes[at + 4] as number;
      const limit = this.#limitBytes(type);
      if (limit === 0) return this.#refuse(`unknown frame type ${type}`);
      if (length < 1 || length > limit) return this.#refuse(`frame of type ${type} states ${length} bytes, at most ${limit} are allowed`);
      const end = at + 4 + length;
      if (end > bytes.length) {
        this.#neededBytes = end - at;
        return this.#keep(bytes, at);
      }
      const refusal = this.#sink(type, bytes, at + FRAME_HEAD_BYTES, end);
      if (refusal !== undefined) return this.#refuse(refusal);
      at = end;
    }
    this.#neededBytes = FRAME_HEAD_BYTES;
    return this.#keep(bytes, at);
  }

  #keep(bytes: Buffer, from: number): undefined {
    if (from === bytes.length) return;
    this.#rest = [from === 0 ? bytes : Buffer.from(bytes.subarray(from))];
    this.#restBytes = bytes.length - from;
  }

  #refuse(why: string): string {
    this.#refusal = why;
    this.#rest = [];
    this.#restBytes = 0;
    return why;
  }
}
