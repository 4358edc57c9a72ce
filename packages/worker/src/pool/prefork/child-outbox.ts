import { writeSync } from 'node:fs';
import { type FRAME, FRAME_HEAD_BYTES, type FrameType, OUTCOME_HEAD_BYTES } from './frame-types.ts';

const SCRATCH_BYTES = 64 * 1_024;

/**
 * A child's way to its parent. Every frame is written at once: when `send` returns, the parent can read it, whatever the task does next.
 * A socket that is full makes the child wait, which is the back-pressure on a task that floods.
 */
export class ChildOutbox {
  readonly #fd: number;
  readonly #scratch: Buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  readonly #nap: Int32Array = new Int32Array(new SharedArrayBuffer(4));
  readonly #onBroken: () => void;

  /** `onBroken` is called where the parent is gone. */
  constructor(fd: number, onBroken: () => void) {
    this.#fd = fd;
    this.#onBroken = onBroken;
  }

  /** A frame of numbers, such as BEGAN and VOIDED. */
  sendNumbers(type: FrameType, first: number, second: number): void {
    const frame = this.#scratch;
    frame.writeUInt32LE(9, 0);
    frame[4] = type;
    frame.writeUInt32LE(first, 5);
    frame.writeUInt32LE(second, 9);
    this.#write(frame, 13);
  }

  /** A frame of text. */
  sendText(type: FrameType, text: string): void {
    const frame = this.#frameFor(FRAME_HEAD_BYTES + text.length * 3);
    const bytes = frame.write(text, FRAME_HEAD_BYTES, 'utf8');
    frame.writeUInt32LE(bytes + 1, 0);
    frame[4] = type;
    this.#write(frame, FRAME_HEAD_BYTES + bytes);
  }

  /** An outcome; `next` is the job that begins with it, 0 for none. */
  sendOutcome(
    type: typeof FRAME.SUCCEEDED | typeof FRAME.ENDED,
    seq: number,
    next: number,
    durationMs: number,
    flags: number,
    text: string,
  ): void {
    const textAt = FRAME_HEAD_BYTES + OUTCOME_HEAD_BYTES;
    const frame = this.#frameFor(textAt + text.length * 3);
    const bytes = frame.write(text, textAt, 'utf8');
    frame.writeUInt32LE(textAt + bytes - 4, 0);
    frame[4] = type;
    frame.writeUInt32LE(seq, 5);
    frame.writeUInt32LE(next, 9);
    frame.writeDoubleLE(durationMs, 13);
    frame[21] = flags;
    this.#write(frame, textAt + bytes);
  }

  #frameFor(bytes: number): Buffer {
    return bytes <= SCRATCH_BYTES ? this.#scratch : Buffer.allocUnsafe(bytes);
  }

  #write(frame: Buffer, length: number): void {
    let at = 0;
    while (at < length) {
      try {
        at += writeSync(this.#fd, frame, at, length - at);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EAGAIN') Atomics.wait(this.#nap, 0, 0, 1);
        else if (code !== 'EINTR') {
          this.#onBroken();
          return;
        }
      }
    }
  }
}
