import { Booking } from './booking.ts';
import { FRAME, FRAME_HEAD_BYTES, type FrameType } from './frame-types.ts';
import { jobFrameBound, writeJob } from './job-frame.ts';

/** What a parent has for one child, until the end of the event-loop turn: jobs of the generation the parent knows, and other frames in between. */
export class ParentOutbox {
  #items: (Booking | Buffer)[] = [];
  #boundBytes = 0;
  #generation = 0;

  addJob(booking: Booking): void {
    this.#items.push(booking);
    this.#boundBytes += jobFrameBound(booking.meta, booking.job.request.body.length);
  }

  addText(type: FrameType, text: string): void {
    this.#addFrame(type, Buffer.from(text, 'utf8'));
  }

  addVoid(): void {
    this.#addFrame(FRAME.VOID, Buffer.alloc(0));
  }

  addExit(): void {
    this.#addFrame(FRAME.EXIT, Buffer.alloc(0));
  }

  addSoftLimit(seq: number, limitS: number): void {
    const payload = Buffer.alloc(12);
    payload.writeUInt32LE(seq, 0);
    payload.writeDoubleLE(limitS, 4);
    this.#addFrame(FRAME.SOFT_LIMIT, payload);
  }

  /** Forgets jobs that have not been written. */
  dropJobs(): void {
    this.#items = this.#items.filter((item) => !(item instanceof Booking));
  }

  /** The child has dropped its queue: what it gets from now on is of its new generation. */
  voided(generation: number): void {
    this.dropJobs();
    this.#generation = generation;
  }

  /** All of it as one piece, or undefined for nothing. */
  take(): Buffer | undefined {
    const items = this.#items;
    if (items.length === 0) return undefined;
    const bytes = Buffer.allocUnsafe(this.#boundBytes);
    let at = 0;
    for (const item of items) {
      if (item instanceof Booking) at = writeJob(bytes, at, item.seq, this.#generation, item.meta, item.job.request.body);
      else at += item.copy(bytes, at);
    }
    this.#items = [];
    this.#boundBytes = 0;
    return bytes.subarray(0, at);
  }

  #addFrame(type: FrameType, payload: Buffer): void {
    const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + payload.length);
    frame.writeUInt32LE(payload.length + 1, 0);
    frame[4] = type;
    payload.copy(frame, FRAME_HEAD_BYTES);
    this.#items.push(frame);
    this.#boundBytes += frame.length;
  }
}
