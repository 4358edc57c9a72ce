import { CeleriacError, ERROR_CODES, type ErrorCode } from '@celeriac/protocol';
import type { TaskManifest } from '../../tasks/manifest.ts';
import type { ChildCommand } from './child-command.ts';
import type { ChildHello, ChildLoadFailure } from './child-config.ts';
import { ChildLink, type LinkEvents } from './child-link.ts';
import { Guardian } from './guardian.ts';
import type { PreforkSettings } from './prefork-options.ts';

/** Failures in a row before the first child is ready, after which the pool does not start. */
const START_ATTEMPTS = 3;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;
/** How long a child that was asked to leave may take. */
const LEAVE_MS = 2_000;

/** What a crew tells its pool. */
export interface CrewEvents {
  /** A child is warm and waits to be taken. */
  warm(manifest: TaskManifest): void;
  /** A child could not start; after `fatal` none will be tried again until the pool asks. */
  failed(error: CeleriacError, fatal: boolean): void;
  /** A child of the crew's is gone: a slot may lack one. */
  gone(): void;
  link: Pick<LinkEvents, 'began' | 'ended' | 'unbegun' | 'log' | 'call' | 'dirty' | 'gone'>;
}

/** Starts children, keeps a spare warm, and sees them out. It does not know what they work on. */
export class Crew {
  readonly #settings: PreforkSettings;
  readonly #command: ChildCommand;
  readonly #events: CrewEvents;
  readonly #guardian: Guardian;
  readonly #starting: Map<ChildLink, NodeJS.Timeout> = new Map();
  readonly #alive: Set<ChildLink> = new Set();
  #warm: ChildLink[] = [];
  #epoch = 0;
  #everReady = false;
  #failures = 0;
  #pause: NodeJS.Timeout | undefined;
  #wanted = 0;
  #closed = false;
  #closing: Promise<void> | undefined;
  #whenEmpty: (() => void) | undefined;

  constructor(settings: PreforkSettings, command: ChildCommand, execPath: string, events: CrewEvents) {
    this.#settings = settings;
    this.#command = command;
    this.#events = events;
    this.#guardian = new Guardian(execPath);
  }

  /** The generation of task modules that new children load. */
  get epoch(): number {
    return this.#epoch;
  }

  /** A warm child, or undefined; whoever takes it says next how many are wanted. */
  take(): ChildLink | undefined {
    return this.#warm.pop();
  }

  /** Says how many children are wanted beside those taken, the spare included. */
  want(count: number): void {
    this.#wanted = count;
    if (this.#closed || this.#pause !== undefined) return;
    while (this.#starting.size + this.#warm.length < this.#wanted && this.#spawn());
    while (this.#warm.length > this.#wanted) this.dismiss(this.#warm.pop() as ChildLink);
  }

  /** New children load the task modules anew; warm ones that did not leave. */
  turnOver(): void {
    this.#epoch += 1;
    for (const link of this.#starting.keys()) this.#giveUp(link);
    for (const link of this.#warm.splice(0)) this.dismiss(link);
    clearTimeout(this.#pause);
    this.#pause = undefined;
  }

  /** Asks an idle child to leave, and insists after a while. */
  dismiss(link: ChildLink): void {
    link.dismiss();
    setTimeout(() => link.kill('SIGKILL'), LEAVE_MS).unref();
  }

  /** Starts no more, sends off those without work; resolves when none is left. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#pause);
    for (const link of this.#starting.keys()) this.#giveUp(link);
    for (const link of this.#warm.splice(0)) this.dismiss(link);
    if (this.#alive.size > 0) await new Promise<void>((resolve) => (this.#whenEmpty = resolve));
    this.#guardian.close();
  }

  /** Nobody needs the child that is starting any more. */
  #giveUp(link: ChildLink): void {
    link.leavesFor = 'released';
    link.kill('SIGKILL');
  }

  #spawn(): boolean {
    try {
      this.#start();
      return true;
    } catch (error) {
      this.#failed(new CeleriacError('CELERIAC_E_CHILD', `a child process cannot be started: ${String(error)}`, { cause: error }), false);
      return false;
    }
  }

  #start(): void {
    const link = new ChildLink(this.#command, this.#epoch, this.#settings, {
      ...this.#events.link,
      ready: (ready, hello) => this.#ready(ready, hello),
      loadFailed: (failed, failure) => this.#loadFailed(failed, failure),
      gone: (gone, cause, running, unbegun) => {
        this.#gone(gone, cause);
        this.#events.link.gone(gone, cause, running, unbegun);
        this.#events.gone();
      },
    });
    const timer = setTimeout(() => link.kill('SIGKILL'), this.#settings.startTimeoutMs);
    this.#starting.set(link, timer);
    this.#alive.add(link);
    if (link.pid > 0) this.#guardian.add(link.pid);
  }

  #ready(link: ChildLink, hello: ChildHello): void {
    if (!this.#leaveStarting(link)) return;
    if (this.#closed || link.epoch !== this.#epoch) {
      this.dismiss(link);
      return;
    }
    const limit = this.#settings.maxMemoryPerChildKib;
    if (limit > 0 && hello.rssKib >= limit) {
      this.dismiss(link);
      const text = `maxMemoryPerChildKib is ${limit}, but a child that has done nothing takes ${hello.rssKib} KiB; allow more`;
      this.#failed(new CeleriacError('CELERIAC_E_CONFIG', text, { data: { limitKib: limit, rssKib: hello.rssKib } }), !this.#everReady);
      return;
    }
    this.#failures = 0;
    this.#everReady = true;
    this.#warm.push(link);
    this.#events.warm(hello.manifest);
  }

  #loadFailed(link: ChildLink, failure: ChildLoadFailure): void {
    if (!this.#leaveStarting(link) || this.#closed || link.epoch !== this.#epoch) return;
    const code: ErrorCode = failure.code in ERROR_CODES ? (failure.code as ErrorCode) : 'CELERIAC_E_TASK_MODULE';
    const cause = new Error(failure.stack.split('\n', 1)[0] ?? '');
    cause.stack = failure.stack;
    this.#failed(new CeleriacError(code, failure.message, { data: failure.data, cause }), !this.#everReady);
  }

  #gone(link: ChildLink, cause: string): void {
    this.#alive.delete(link);
    this.#guardian.delete(link.pid);
    this.#warm = this.#warm.filter((warm) => warm !== link);
    if (this.#leaveStarting(link) && !this.#closed && link.epoch === this.#epoch) {
      const text = `a child process ended before it was ready: ${cause}; what it wrote to stderr says more`;
      const fatal = !this.#everReady && this.#failures + 1 >= START_ATTEMPTS;
      this.#failed(new CeleriacError('CELERIAC_E_CHILD', text, { data: { cause, attempts: this.#failures + 1 } }), fatal);
    }
    if (this.#alive.size === 0) this.#whenEmpty?.();
  }

  /** Waits before the next attempt, ever longer. */
  #failed(error: CeleriacError, fatal: boolean): void {
    this.#failures += 1;
    if (this.#pause === undefined) {
      const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#failures - 1));
      this.#pause = setTimeout(() => {
        this.#pause = undefined;
        this.want(this.#wanted);
      }, pauseMs);
    }
    this.#events.failed(error, fatal);
  }

  #leaveStarting(link: ChildLink): boolean {
    clearTimeout(this.#starting.get(link));
    return this.#starting.delete(link);
  }
}
