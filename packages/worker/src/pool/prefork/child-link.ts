import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { ChildExitReason } from '../pool.ts';
import type { Booking } from './booking.ts';
import type { ChildCommand } from './child-command.ts';
import type { ChildHello, ChildLoadFailure } from './child-config.ts';
import { type ChildCallFrame, type ChildLogLine, readCall, readHello, readLoadFailure, readLog } from './child-frames.ts';
import { type Ending, readEnding } from './ending.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { childFrameLimitBytes, FRAME, OUTCOME_HEAD_BYTES } from './frame-types.ts';
import { fullBudget, type LogAllowance, spend } from './log-budget.ts';
import { ParentOutbox } from './parent-outbox.ts';
import { exitCause, spawnChild } from './spawn-child.ts';

/** After a child closed its socket, how long it may take to exit by itself. */
const EXIT_AFTER_CLOSE_MS = 500;
/** After the exit of a child, how long its socket may stay open before it is closed from here. */
const CLOSE_AFTER_EXIT_MS = 1_000;

const LOG_ALLOWANCE: LogAllowance = { linesPerSecond: 4_000, bytesPerSecond: 8 * 1_024 * 1_024 };

/** What a link reports. Every booking sent ends in exactly one of `ended` and `unbegun`, or is named by `gone`. */
export interface LinkEvents {
  ready(link: ChildLink, hello: ChildHello): void;
  loadFailed(link: ChildLink, failed: ChildLoadFailure): void;
  began(link: ChildLink, booking: Booking): void;
  /** `durationMs` is the child's own measure. */
  ended(link: ChildLink, booking: Booking, ending: Ending, durationMs: number, flags: number): void;
  /** These did not begin and will not. */
  unbegun(link: ChildLink, bookings: readonly Booking[]): void;
  log(link: ChildLink, line: ChildLogLine): void;
  call(link: ChildLink, call: ChildCallFrame): void;
  /** There is something to flush. */
  dirty(link: ChildLink): void;
  /** The process is gone and all it wrote was read: what ran is lost, what waited never began. */
  gone(link: ChildLink, cause: string, running: Booking | null, unbegun: readonly Booking[]): void;
}

/** The parent's side of one child process: what it has been sent, what it runs, what it says. */
export class ChildLink {
  readonly epoch: number;
  readonly createdAtMs: number = performance.now();
  readonly #events: LinkEvents;
  readonly #voidMs: number;
  readonly #process: ChildProcess;
  readonly #socket: Socket | null;
  readonly #outbox: ParentOutbox = new ParentOutbox();
  #logBudget = fullBudget(LOG_ALLOWANCE, performance.now());
  #queue: Booking[] = [];
  /** What waited was given to others; the child has yet to say that it dropped it. */
  #handedOver = false;
  #exited: string | undefined;
  #closed = false;
  #gone = false;
  ready = false;
  readyAtMs = 0;
  rssKib = 0;
  /** Jobs sent in all. */
  sent = 0;
  running: Booking | null = null;
  /** Nothing may be sent until the child says that it dropped its queue. */
  awaitingVoid = false;
  /** It gets no more jobs and leaves when it has none. */
  retiring = false;
  /** Every job it runs or holds may have others wait behind it. */
  holdsShortOnly = true;
  /** A signal to end it was sent. */
  killed = false;
  /** It was asked to exit. */
  dismissed = false;
  /** Why it is to be replaced, where it is; the first reason stands. */
  leavesFor: ChildExitReason | null = null;
  /** Set where the child broke the rules. */
  violation: string | undefined;
  /** Calls of its tasks that are being published. */
  callsInFlight = 0;
  /** When it was last heard of, or was sent something while idle. */
  heardAtMs: number = performance.now();

  constructor(
    command: ChildCommand,
    epoch: number,
    settings: { readonly voidMs: number; readonly maxResultBytes: number },
    events: LinkEvents,
  ) {
    this.epoch = epoch;
    this.#events = events;
    this.#voidMs = settings.voidMs;
    const spawned = spawnChild(command);
    this.#process = spawned.process;
    this.#socket = spawned.link;
    const decoder = new FrameDecoder(
      (type) => childFrameLimitBytes(type, settings.maxResultBytes),
      (type, bytes, start, end) => this.#receive(type, bytes, start, end),
    );
    this.#socket?.on('data', (chunk: Buffer) => {
      this.heardAtMs = performance.now();
      const refusal = decoder.push(chunk);
      if (refusal !== undefined && this.violation === undefined) this.#violate(refusal);
    });
    this.#socket?.on('error', () => {});
    this.#socket?.on('close', () => {
      this.#closed = true;
      this.killed = true;
      // A process that exits closes its socket first; one that closed it and stays is of no use.
      setTimeout(() => this.kill('SIGKILL'), EXIT_AFTER_CLOSE_MS).unref();
      this.#maybeGone();
    });
    this.#process.on('error', (error) => {
      if (this.#process.pid !== undefined) return;
      this.#closed = true;
      this.#exit(error.message);
    });
    this.#process.on('exit', (code, signal) => this.#exit(exitCause(code, signal)));
  }

  /** 0 where the process could not be started. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Jobs it runs or holds. */
  get load(): number {
    return this.#queue.length + (this.running === null ? 0 : 1);
  }

  /** Jobs it holds that have not begun as far as is known. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Whether it would take a job. */
  get open(): boolean {
    return this.ready && !this.awaitingVoid && !this.retiring && !this.killed && !this.#gone;
  }

  /** Queues a job; {@link flush} writes it. */
  send(booking: Booking, seq: number): void {
    if (this.load === 0) {
      this.heardAtMs = performance.now();
      this.holdsShortOnly = true;
    }
    if (!booking.job.pipelined) this.holdsShortOnly = false;
    booking.seq = seq;
    this.sent += 1;
    this.#queue.push(booking);
    this.#outbox.addJob(booking);
    this.#events.dirty(this);
  }

  /** Asks the child to drop its queue; it answers between tasks, or at once where the running one is asynchronous. */
  requestVoid(): void {
    if (this.awaitingVoid || !this.ready) return;
    this.awaitingVoid = true;
    this.#outbox.addVoid();
    this.#events.dirty(this);
  }

  /** Takes back what waits, because the child is certain to drop it. */
  takeWaiting(): readonly Booking[] {
    this.awaitingVoid = true;
    this.#handedOver = true;
    const taken = this.#queue;
    this.#queue = [];
    this.sent -= taken.length;
    this.#outbox.dropJobs();
    return taken;
  }

  sendSoftLimit(booking: Booking): void {
    booking.softLimitSent = true;
    this.#outbox.addSoftLimit(booking.seq, (booking.job.softLimitMs ?? 0) / 1_000);
    this.#events.dirty(this);
  }

  answerCall(callId: number, ok: boolean, text: string): void {
    if (this.#gone) return;
    this.#outbox.addText(FRAME.CALLED, JSON.stringify([callId, ok, text]));
    this.#events.dirty(this);
  }

  /** Asks an idle child to exit. */
  dismiss(): void {
    this.retiring = true;
    this.dismissed = true;
    this.#outbox.addExit();
    this.flush();
  }

  /** Writes what has collected, in one piece. */
  flush(): void {
    const bytes = this.#outbox.take();
    if (bytes !== undefined && this.#socket !== null && !this.#closed && this.#socket.writable) this.#socket.write(bytes);
  }

  /** SIGKILL goes to everything the child started, other signals to the child alone. */
  kill(signal: NodeJS.Signals): void {
    this.killed = true;
    if (this.#exited !== undefined || this.#process.pid === undefined) return;
    this.#signal(signal === 'SIGKILL' ? -this.#process.pid : this.#process.pid, signal);
  }

  #signal(to: number, signal: NodeJS.Signals): void {
    try {
      process.kill(to, signal);
    } catch {
      if (to < 0) this.#process.kill(signal);
    }
  }

  #receive(type: number, bytes: Buffer, start: number, end: number): string | undefined {
    switch (type) {
      case FRAME.SUCCEEDED:
      case FRAME.ENDED:
        return this.#outcome(type, bytes, start, end);
      case FRAME.BEGAN:
        return end - start === 8 ? this.#begin(bytes.readUInt32LE(start)) : 'a BEGAN frame of another size';
      case FRAME.VOIDED:
        return end - start === 8
          ? this.#voided(bytes.readUInt32LE(start), bytes.readUInt32LE(start + 4))
          : 'a VOIDED frame of another size';
      case FRAME.READY:
        return this.#helloed(bytes.toString('utf8', start, end));
      case FRAME.LOG: {
        // Children keep a smaller budget themselves; this one is for a child that does not.
        const { pass, budget } = spend(this.#logBudget, LOG_ALLOWANCE, this.heardAtMs, end - start);
        this.#logBudget = budget;
        if (!pass) return undefined;
        const line = readLog(bytes.toString('utf8', start, end));
        if (line !== undefined) this.#events.log(this, line);
        return line === undefined ? 'a LOG frame that is none' : undefined;
      }
      case FRAME.CALL: {
        const call = readCall(bytes.toString('utf8', start, end));
        if (call !== undefined) this.#events.call(this, call);
        return call === undefined ? 'a CALL frame that is none' : undefined;
      }
      default: {
        const failed = this.ready ? undefined : readLoadFailure(bytes.toString('utf8', start, end));
        if (failed !== undefined) this.#events.loadFailed(this, failed);
        return failed === undefined ? 'a FAILED_TO_LOAD frame out of place' : undefined;
      }
    }
  }

  #helloed(text: string): string | undefined {
    const hello = this.ready ? undefined : readHello(text);
    if (hello === undefined) return 'a READY frame out of place';
    this.ready = true;
    this.readyAtMs = performance.now();
    this.rssKib = hello.rssKib;
    this.#events.ready(this, hello);
    return undefined;
  }

  #begin(seq: number): string | undefined {
    const booking = this.#queue[0];
    if (this.running !== null || booking === undefined || booking.seq !== seq) return `job ${seq} began out of turn`;
    this.#queue.shift();
    booking.begunAtMs = performance.now();
    booking.softLimitSent = false;
    this.running = booking;
    this.#events.began(this, booking);
    return undefined;
  }

  #outcome(type: number, bytes: Buffer, start: number, end: number): string | undefined {
    if (end - start < OUTCOME_HEAD_BYTES) return 'an outcome without its head';
    const booking = this.running;
    if (booking === null || booking.seq !== bytes.readUInt32LE(start)) return `job ${bytes.readUInt32LE(start)} ended out of turn`;
    const next = bytes.readUInt32LE(start + 4);
    const durationMs = bytes.readDoubleLE(start + 8);
    const textAt = start + OUTCOME_HEAD_BYTES;
    // A result is ASCII: what is not comes from a child that broke the rules and stays harmless text.
    const ending: Ending | undefined =
      type === FRAME.SUCCEEDED
        ? { kind: 'succeeded', resultJson: bytes.toString('latin1', textAt, end) }
        : readEnding(bytes.toString('utf8', textAt, end));
    if (ending === undefined || !(durationMs >= 0)) return 'an outcome that is none';
    this.running = null;
    if (durationMs >= this.#voidMs) this.awaitingVoid = true;
    this.#events.ended(this, booking, ending, durationMs, bytes[start + 16] as number);
    // A child names the next job before it looks at the clock again: where the queue was handed over it is about to void that one too.
    return next === 0 || this.#handedOver ? undefined : this.#begin(next);
  }

  #voided(generation: number, runningSeq: number): string | undefined {
    const dropped = this.#queue;
    this.#queue = [];
    if (this.running !== null && this.running.seq !== runningSeq) {
      dropped.unshift(this.running);
      this.running = null;
    }
    this.sent -= dropped.length;
    this.awaitingVoid = false;
    this.#handedOver = false;
    this.#outbox.voided(generation);
    this.#events.unbegun(this, dropped);
    return undefined;
  }

  #violate(why: string): void {
    this.violation = why;
    this.kill('SIGKILL');
  }

  #exit(cause: string): void {
    this.#exited = cause;
    if (!this.dismissed && this.pid > 0) this.#signal(-this.pid, 'SIGKILL');
    if (!this.#closed) setTimeout(() => this.#socket?.destroy(), CLOSE_AFTER_EXIT_MS).unref();
    this.#maybeGone();
  }

  #maybeGone(): void {
    if (this.#gone || !this.#closed || this.#exited === undefined) return;
    this.#gone = true;
    const unbegun = this.#queue;
    const { running } = this;
    this.#queue = [];
    this.running = null;
    this.#events.gone(this, this.violation === undefined ? this.#exited : `${this.#exited}, ended for ${this.violation}`, running, unbegun);
  }
}
