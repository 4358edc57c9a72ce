import type { Outcome } from '../pool.ts';
import type { Booking } from './booking.ts';
import type { ChildLink } from './child-link.ts';
import { Deadlines } from './deadlines.ts';

/** Beyond `voidMs`, before what waits behind a task is given to others. Not needed for safety; it spares the work where a task ends just then. */
const HAND_OVER_MARGIN_MS = 5;

interface Doom {
  readonly booking: Booking;
  readonly signal: NodeJS.Signals;
  readonly outcome: (pid: number) => Outcome;
}

/** What the overseer needs of its pool. */
export interface OverseerPorts {
  links(): Iterable<ChildLink>;
  /** These are certain not to begin in the child they were sent to. */
  handOver(link: ChildLink, bookings: readonly Booking[]): void;
}

/** Watches the clock for a pool: soft and hard limits, tasks that others must not wait behind, children that fell silent. */
export class Overseer {
  readonly #ports: OverseerPorts;
  readonly #settings: { readonly voidMs: number; readonly stallMs: number; readonly terminateGraceMs: number };
  readonly #deadlines: Deadlines = new Deadlines((nowMs) => this.#look(nowMs));
  readonly #dooms: Map<ChildLink, Doom> = new Map();

  constructor(settings: { readonly voidMs: number; readonly stallMs: number; readonly terminateGraceMs: number }, ports: OverseerPorts) {
    this.#settings = settings;
    this.#ports = ports;
  }

  /** Something was sent, or something began. */
  watch(link: ChildLink): void {
    const atMs = this.#nextLook(link);
    if (atMs !== Number.POSITIVE_INFINITY) this.#deadlines.arm(atMs);
  }

  /** Ends a running job by a signal, and only that job: what waits behind it is taken away first. */
  end(link: ChildLink, booking: Booking, signal: NodeJS.Signals, outcome: (pid: number) => Outcome): void {
    if (this.#dooms.has(link)) return;
    this.#dooms.set(link, { booking, signal, outcome });
    link.retiring = true;
    this.settle(link);
  }

  /** Goes on with the ending of a job once the child's state changed. */
  settle(link: ChildLink): void {
    const doom = this.#dooms.get(link);
    if (doom === undefined) return;
    if (link.running !== doom.booking) {
      // It ended by itself. Where the signal was already on its way the child is not to be trusted with more.
      if (link.killed) link.kill('SIGKILL');
      else this.#dooms.delete(link);
      return;
    }
    if (link.killed) return;
    if (link.waiting > 0) {
      link.requestVoid();
      this.watch(link);
      return;
    }
    link.kill(doom.signal);
    if (doom.signal !== 'SIGKILL') setTimeout(() => link.kill('SIGKILL'), this.#settings.terminateGraceMs).unref();
  }

  /** The outcome of the job that ran when the child went, where it was ended from here. */
  takeOutcome(link: ChildLink, running: Booking | null): Outcome | undefined {
    const doom = this.#dooms.get(link);
    this.#dooms.delete(link);
    return doom !== undefined && doom.booking === running ? doom.outcome(link.pid) : undefined;
  }

  close(): void {
    this.#deadlines.clear();
  }

  #look(nowMs: number): void {
    const long: { link: ChildLink; running: Booking }[] = [];
    for (const link of this.#ports.links()) {
      const { running } = link;
      if (running === null) this.#checkSilence(link, nowMs);
      else {
        this.#checkLimits(link, running, nowMs);
        if (link.waiting > 0 && nowMs >= running.begunAtMs + this.#handOverMs) long.push({ link, running });
      }
      this.watch(link);
    }
    // One poll phase lies between a timer and an immediate: an outcome written before `nowMs` has been read by then.
    if (long.length > 0)
      setImmediate(() => {
        for (const { link, running } of long)
          if (link.running === running && link.waiting > 0) this.#ports.handOver(link, link.takeWaiting());
      });
  }

  get #handOverMs(): number {
    return this.#settings.voidMs + HAND_OVER_MARGIN_MS;
  }

  #checkLimits(link: ChildLink, running: Booking, nowMs: number): void {
    if (running.hardAtMs <= nowMs) {
      const limitS = (running.job.hardLimitMs ?? 0) / 1_000;
      this.end(link, running, 'SIGKILL', (pid) => ({ kind: 'timed-out', limitS, pid }));
    } else if (running.softAtMs <= nowMs) link.sendSoftLimit(running);
  }

  #checkSilence(link: ChildLink, nowMs: number): void {
    if (this.#isSilent(link) && nowMs - link.heardAtMs >= this.#settings.stallMs) link.kill('SIGKILL');
  }

  /** It has something to say and does not run user code. */
  #isSilent(link: ChildLink): boolean {
    return link.running === null && !link.killed && (link.waiting > 0 || link.awaitingVoid);
  }

  #nextLook(link: ChildLink): number {
    const { running } = link;
    if (running === null) return this.#isSilent(link) ? link.heardAtMs + this.#settings.stallMs : Number.POSITIVE_INFINITY;
    const limitAtMs = this.#dooms.has(link) ? Number.POSITIVE_INFINITY : Math.min(running.softAtMs, running.hardAtMs);
    return link.waiting > 0 ? Math.min(limitAtMs, running.begunAtMs + this.#handOverMs) : limitAtMs;
  }
}
