import { CeleriacError } from '@celeriac/protocol';
import type { TaskManifest } from '../../tasks/manifest.ts';
import type { ChildExitReason, Job, Outcome, Pool, PoolEvents } from '../pool.ts';
import { Booking } from './booking.ts';
import { childCommand } from './child-command.ts';
import type { ChildCallFrame } from './child-frames.ts';
import type { ChildLink } from './child-link.ts';
import { Crew } from './crew.ts';
import type { Ending } from './ending.ts';
import { OUTCOME_FLAG } from './frame-types.ts';
import { Overseer } from './overseer.ts';
import { depthFor, idleSlot, mayWait, roomBehind, shortestSlot } from './placement.ts';
import { type PreforkOptions, type PreforkSettings, settle } from './prefork-options.ts';
import type { Slot } from './slot.ts';
import { Staffing } from './staffing.ts';

/** Calls of one task that may wait for the broker at once. */
const MAX_CALLS_IN_FLIGHT = 10_000;
/** Weight of the newest run in the average of short tasks. */
const AVERAGE_WEIGHT = 0.05;

/**
 * A pool of child processes, each running one task at a time, with a spare kept warm. Options and defaults: {@link PreforkOptions}.
 * Throws CELERIAC_E_CONFIG where `slots` is not a positive whole number or no module is given.
 */
export function createPreforkPool(options: PreforkOptions): Pool {
  if (!Number.isSafeInteger(options.slots) || options.slots < 1)
    throw new CeleriacError('CELERIAC_E_CONFIG', `slots must be a whole number from 1, not ${options.slots}`);
  if (options.modules.length === 0) throw new CeleriacError('CELERIAC_E_CONFIG', 'no task module is given (-A)');
  return new PreforkPool(settle(options, process.cwd()), options.slots, options.events);
}

class PreforkPool implements Pool {
  readonly #settings: PreforkSettings;
  readonly #events: PoolEvents;
  readonly #staffing: Staffing;
  readonly #overseer: Overseer;
  readonly #dirty: Set<ChildLink> = new Set();
  /** Jobs that lost their place and have the next one. */
  #unplaced: Booking[] = [];
  #lastSeq = 0;
  #averageMs = 1;
  #turnDue = false;
  #roomAppeared = false;
  #closing: Promise<void> | undefined;
  #deadlinePassed = false;

  constructor(settings: PreforkSettings, slots: number, events: PoolEvents) {
    this.#settings = settings;
    this.#events = events;
    const crew = new Crew(settings, childCommand(settings, process.execPath, process.execArgv, import.meta.url), process.execPath, {
      warm: (manifest) => this.#staffing.warm(manifest),
      failed: (error, fatal) => this.#staffing.failed(error, fatal),
      gone: () => this.#staffing.staff(),
      link: {
        dirty: (link) => this.#soon(link),
        began: (link, booking) => this.#began(link, booking),
        ended: (link, booking, ending, durationMs, flags) => this.#ended(link, booking, ending, durationMs, flags),
        unbegun: (link, bookings) => this.#unbegun(link, bookings),
        log: (link, { seq, level, text, fields }) =>
          events.onLog({ job: link.running !== null && link.running.seq === seq ? link.running.job : null, level, text, fields }),
        call: (link, call) => void this.#call(link, call),
        gone: (link, cause, running, unbegun) => this.#gone(link, cause, running, unbegun),
      },
    });
    this.#overseer = new Overseer(settings, {
      links: () => this.#staffing.links(),
      handOver: (link, bookings) => this.#unbegun(link, bookings),
    });
    this.#staffing = new Staffing(crew, slots, {
      runFresh: (link, booking) => this.#send(link, booking),
      staffed: () => this.#roomMayHaveAppeared(),
      log: (level, text, fields) => events.onLog({ job: null, level, text, fields }),
    });
  }

  start(): Promise<TaskManifest> {
    return this.#staffing.start();
  }

  get slots(): { readonly total: number; readonly free: number } {
    const free = this.#staffing.slots.reduce((count, slot) => count + (slot.idle ? 1 : 0), 0);
    return { total: this.#staffing.total, free: Math.max(0, free - this.#unplaced.length) };
  }

  get pids(): readonly number[] {
    return this.#staffing.slots.flatMap(({ link }) => (link === null ? [] : [link.pid]));
  }

  room(pipelined: boolean): number {
    if (this.#closing !== undefined || this.#unplaced.length > 0) return 0;
    const nowMs = performance.now();
    const depth = this.#depth();
    let room = 0;
    for (const slot of this.#staffing.slots) room += pipelined ? roomBehind(slot, nowMs, depth, this.#settings) : slot.idle ? 1 : 0;
    return room;
  }

  submit(job: Job): boolean {
    if (this.#closing !== undefined || this.#unplaced.length > 0) return false;
    const slot = this.#slotFor(job);
    if (slot === undefined) return false;
    this.#place(slot, new Booking(job));
    return true;
  }

  takeBack(): void {
    const begun = this.#unplaced.filter((booking) => booking.announced);
    const unbegun = this.#unplaced.filter((booking) => !booking.announced);
    this.#unplaced = begun;
    for (const { job } of unbegun.reverse()) this.#events.onOutcome(job, { kind: 'aborted' });
  }

  terminate(taskId: string, signal: NodeJS.Signals): boolean {
    for (const link of this.#staffing.links()) {
      const { running } = link;
      if (running === null || running.job.request.id !== taskId) continue;
      this.#overseer.end(link, running, signal, (pid) => ({ kind: 'terminated', signal, pid }));
      return true;
    }
    return false;
  }

  async resize(slots: number): Promise<void> {
    if (!Number.isSafeInteger(slots) || slots < 1)
      throw new CeleriacError('CELERIAC_E_CONFIG', `slots must be a whole number from 1, not ${slots}`);
    await this.#staffing.resize(slots);
  }

  reload(onLoaded?: (manifest: TaskManifest) => void): Promise<TaskManifest> {
    return this.#staffing.reload(onLoaded);
  }

  close(deadline: AbortSignal): Promise<void> {
    this.#closing ??= this.#close(deadline);
    return this.#closing;
  }

  async #close(deadline: AbortSignal): Promise<void> {
    // `#closing` is set once this function first waits.
    await Promise.resolve();
    const kill = (): void => {
      this.#deadlinePassed = true;
      for (const link of this.#staffing.links()) link.kill('SIGKILL');
    };
    if (deadline.aborted) kill();
    else deadline.addEventListener('abort', kill, { once: true });
    this.#unbegun(null, [...this.#unplaced.splice(0), ...this.#staffing.takeFresh()]);
    await this.#staffing.close();
    deadline.removeEventListener('abort', kill);
    this.#overseer.close();
  }

  #depth(): number {
    return depthFor(this.#averageMs, this.#settings.voidMs, this.#settings.pipelineDepth);
  }

  #slotFor(job: Job): Slot | undefined {
    const { slots } = this.#staffing;
    if (job.fresh || !mayWait(job.pipelined, job.request.body.length)) return idleSlot(slots);
    return shortestSlot(slots, performance.now(), this.#depth(), this.#settings);
  }

  #place(slot: Slot, booking: Booking): void {
    if (booking.job.fresh) {
      slot.freshBooking = booking;
      this.#staffing.staff();
    } else if (slot.link !== null) this.#send(slot.link, booking);
  }

  #send(link: ChildLink, booking: Booking): void {
    this.#lastSeq = this.#lastSeq >= 0xffff_ffff ? 1 : this.#lastSeq + 1;
    link.send(booking, this.#lastSeq);
    if (link.sent >= this.#settings.maxTasksPerChild) {
      link.retiring = true;
      link.leavesFor ??= 'max-tasks';
    }
    this.#overseer.watch(link);
  }

  #began(link: ChildLink, booking: Booking): void {
    this.#overseer.watch(link);
    if (booking.announced) return;
    booking.announced = true;
    this.#events.onStarted(booking.job, link.pid);
  }

  #ended(link: ChildLink, booking: Booking, ending: Ending, durationMs: number, flags: number): void {
    const { job } = booking;
    if (job.pipelined) this.#averageMs += (durationMs - this.#averageMs) * AVERAGE_WEIGHT;
    this.#events.onOutcome(
      job,
      ending.kind === 'succeeded'
        ? { kind: 'succeeded', resultJson: ending.resultJson, durationMs, pid: link.pid }
        : { ...ending, durationMs, pid: link.pid },
    );
    if (flags !== 0 || performance.now() - link.readyAtMs >= this.#settings.maxAgePerChildMs) this.#recycle(link, flags);
    this.#settle(link);
  }

  #recycle(link: ChildLink, flags: number): void {
    const isTainted = (flags & OUTCOME_FLAG.TAINTED) !== 0;
    link.leavesFor ??= isTainted ? 'tainted' : (flags & OUTCOME_FLAG.OVER_MEMORY) !== 0 ? 'memory' : 'age';
    if (isTainted) {
      link.retiring = true;
      if (link.waiting > 0) link.requestVoid();
    } else this.#staffing.replaceWhenWarm(link);
  }

  #unbegun(link: ChildLink | null, bookings: readonly Booking[]): void {
    for (const booking of bookings) {
      if (this.#closing !== undefined && !booking.announced) this.#events.onOutcome(booking.job, { kind: 'aborted' });
      else this.#unplaced.push(booking);
    }
    this.#turnSoon();
    if (link !== null) this.#settle(link);
  }

  /** After anything that changed what a child has to do. */
  #settle(link: ChildLink): void {
    this.#overseer.settle(link);
    this.#staffing.settle(link);
    this.#overseer.watch(link);
    if (!link.awaitingVoid) this.#roomMayHaveAppeared();
  }

  #gone(link: ChildLink, cause: string, running: Booking | null, unbegun: readonly Booking[]): void {
    this.#dirty.delete(link);
    const ended = this.#overseer.takeOutcome(link, running);
    this.#events.onChildExit?.(this.#exitReason(link, running, ended));
    this.#staffing.remove(link);
    if (running !== null) this.#events.onOutcome(running.job, ended ?? this.#lost(link, cause));
    else if (link.ready && !link.dismissed && !this.#deadlinePassed)
      this.#events.onLog({
        job: null,
        level: 'warn',
        text: 'a child process ended between tasks and is replaced',
        fields: { pid: link.pid, cause },
      });
    this.#unbegun(null, unbegun);
    this.#roomMayHaveAppeared();
  }

  #exitReason(link: ChildLink, running: Booking | null, ended: Outcome | undefined): ChildExitReason {
    if (ended !== undefined) return ended.kind === 'timed-out' ? 'timeout' : 'terminated';
    if (running !== null) return this.#deadlinePassed ? 'terminated' : 'crash';
    if (link.dismissed || this.#deadlinePassed) return link.leavesFor ?? 'released';
    return link.ready ? 'crash' : (link.leavesFor ?? 'start');
  }

  #lost(link: ChildLink, cause: string): Outcome {
    if (this.#deadlinePassed) return { kind: 'terminated', signal: 'SIGKILL', pid: link.pid };
    return { kind: 'lost', cause, pid: link.pid };
  }

  async #call(link: ChildLink, { callId, seq, callJson }: ChildCallFrame): Promise<void> {
    const { running } = link;
    if (running === null || running.seq !== seq) return link.answerCall(callId, false, 'the task that called is not running any more');
    if (link.callsInFlight >= MAX_CALLS_IN_FLIGHT)
      return link.answerCall(callId, false, `more than ${MAX_CALLS_IN_FLIGHT} calls wait for the broker; await some of them`);
    link.callsInFlight += 1;
    try {
      link.answerCall(callId, true, await this.#events.onCall({ callJson, parent: running.job.request }));
    } catch (error) {
      link.answerCall(callId, false, error instanceof Error ? error.message : String(error));
    } finally {
      link.callsInFlight -= 1;
    }
  }

  #soon(link: ChildLink): void {
    this.#dirty.add(link);
    this.#turnSoon();
  }

  #roomMayHaveAppeared(): void {
    this.#roomAppeared = true;
    this.#turnSoon();
  }

  #turnSoon(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    setImmediate(() => this.#turn());
  }

  /** Once per event-loop turn: places what lost its place, lets the worker fill the room, writes one piece per child. */
  #turn(): void {
    try {
      this.#placeUnplaced();
      if (this.#roomAppeared && this.#closing === undefined && this.#unplaced.length === 0) {
        this.#roomAppeared = false;
        this.#events.onRoom();
      }
    } finally {
      this.#turnDue = false;
      for (const link of this.#dirty) link.flush();
      this.#dirty.clear();
    }
  }

  #placeUnplaced(): void {
    while (this.#unplaced.length > 0) {
      const slot = this.#slotFor((this.#unplaced[0] as Booking).job);
      if (slot === undefined) return;
      this.#place(slot, this.#unplaced.shift() as Booking);
    }
  }
}
