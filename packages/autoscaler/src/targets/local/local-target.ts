import { hostname } from 'node:os';
import type { Logger } from '@celeriac/brokers';
import { noOrders } from '../../decide/seen.ts';
import { reading } from '../../window/sample.ts';
import type { Target, TargetReplica, TargetSeen } from '../target.ts';
import { type CommandValues, fillCommand } from './command-template.ts';
import { afterCrash, type CrashBackoff, growthAllowed, noCrashes } from './crash-backoff.ts';
import type { OrphanGuard } from './orphan-guard.ts';
import { type ReplicaOutput, type ReplicaProcess, startReplica } from './replica-process.ts';

/** A worker takes a second signal that comes sooner for the first one. */
const SECOND_SIGNAL_MS = 1_100;

/** What a local pool runs. */
export interface LocalTargetOptions {
  readonly pool: string;
  readonly queues: readonly string[];
  readonly slotsPerReplica: number | null;
  /** Program and arguments with placeholders, see {@link fillCommand}. */
  readonly command: readonly string[];
  /** Default: ours. */
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly output: ReplicaOutput;
  /** How long a worker may take to be heard of, ms. */
  readonly startTimeoutMs: number;
  readonly logger: Logger;
  /** Epoch ms. */
  readonly now: () => number;
  readonly guard: OrphanGuard;
  /** Whether a worker of that node name, not ours, is there already. */
  readonly isTaken: (nodename: string) => boolean;
}

interface LocalReplica {
  readonly id: string;
  readonly nodename: string;
  readonly startedAtMs: number;
  readonly process: ReplicaProcess;
  heardAtMs: number | null;
  leaving: boolean;
  stuckWhy: string | null;
  startTimer: NodeJS.Timeout | undefined;
}

/** Worker processes of this machine as a target. */
export class LocalTarget implements Target {
  readonly kind = 'local';
  readonly #options: LocalTargetOptions;
  readonly #replicas = new Map<string, LocalReplica>();
  readonly #listeners: (() => void)[] = [];
  #backoff: CrashBackoff = noCrashes;
  #count = 0;
  #closing = false;

  constructor(options: LocalTargetOptions) {
    this.#options = options;
    // A template that cannot be filled is an error now, not at the first task.
    fillCommand(options.command, this.#values('check'));
  }

  look(nowMs: number): TargetSeen {
    const replicas = [...this.#replicas.values()].map((replica): TargetReplica => {
      const phase = replica.stuckWhy !== null ? 'stuck' : replica.leaving ? 'leaving' : 'running';
      return {
        id: replica.id,
        nodename: replica.nodename,
        host: null,
        phase,
        why: replica.stuckWhy,
        pid: replica.process.pid ?? null,
        startedAtMs: replica.startedAtMs,
        empty: false,
        probe: false,
      };
    });
    return {
      replicas: reading(replicas, nowMs),
      growth: growthAllowed(this.#backoff, nowMs),
      orders: noOrders,
      hold: null,
      shrinkHold: null,
    };
  }

  grow(from: number, to: number): Promise<void> {
    if (!this.#closing) for (let count = from; count < to; count += 1) this.#start();
    return Promise.resolve();
  }

  heard(id: string): void {
    const replica = this.#replicas.get(id);
    if (replica === undefined || replica.heardAtMs !== null) return;
    replica.heardAtMs = this.#options.now();
    clearTimeout(replica.startTimer);
    this.#backoff = noCrashes;
  }

  forgive(): void {
    this.#backoff = noCrashes;
  }

  observe(): void {
    // nobody but us ends local processes
  }

  mark(): Promise<void> {
    return Promise.resolve();
  }

  unmark(): Promise<void> {
    return Promise.resolve();
  }

  remove(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#drain(this.#replicas.get(id));
    return Promise.resolve();
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async close(options: { readonly timeoutMs: number; readonly hurry: AbortSignal }): Promise<readonly string[]> {
    this.#closing = true;
    const replicas = [...this.#replicas.values()];
    for (const replica of replicas) this.#drain(replica);
    const drainedAtMs = performance.now();
    let hurryTimer: NodeJS.Timeout | undefined;
    const tellAgain = (): void => {
      for (const replica of this.#replicas.values()) replica.process.drain();
      // One that was late to take the first signal has taken this one for it.
      hurryTimer = setTimeout(tellAgain, SECOND_SIGNAL_MS);
    };
    const again = (): void => {
      hurryTimer = setTimeout(tellAgain, Math.max(0, drainedAtMs + SECOND_SIGNAL_MS - performance.now()));
    };
    if (options.hurry.aborted) again();
    options.hurry.addEventListener('abort', again, { once: true });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, options.timeoutMs);
    });
    await Promise.race([Promise.all(replicas.map((replica) => replica.process.ended)), late]);
    clearTimeout(timer);
    clearTimeout(hurryTimer);
    options.hurry.removeEventListener('abort', again);
    return [...this.#replicas.keys()];
  }

  #values(name: string): CommandValues {
    const { queues, slotsPerReplica, pool } = this.#options;
    return { queues, name: `${name}@%h`, slots: slotsPerReplica, pool };
  }

  #start(): void {
    const { pool, command, cwd, env, output, logger, now, guard, startTimeoutMs } = this.#options;
    let id: string;
    let nodename: string;
    do {
      this.#count += 1;
      id = `${pool}-${this.#count}`;
      nodename = `${id}@${hostname()}`;
    } while (this.#options.isTaken(nodename));
    const words = fillCommand(command, this.#values(id));
    const process = startReplica({ id, command: words, cwd, env, output });
    const replica: LocalReplica = {
      id,
      nodename,
      startedAtMs: now(),
      process,
      heardAtMs: null,
      leaving: false,
      stuckWhy: null,
      startTimer: undefined,
    };
    replica.startTimer = setTimeout(() => this.#giveUp(replica), startTimeoutMs);
    this.#replicas.set(id, replica);
    if (process.pid !== undefined) guard.watch(process.pid);
    logger.info({ pool, replica: id, pid: process.pid }, 'replica started');
    void process.ended.then((end) => this.#ended(replica, end.text, end.code));
  }

  #giveUp(replica: LocalReplica): void {
    replica.stuckWhy = `no heartbeat within ${this.#options.startTimeoutMs / 1_000} s of its start`;
    this.#options.logger.warn({ pool: this.#options.pool, replica: replica.id }, replica.stuckWhy);
    this.#crashed(replica, replica.stuckWhy);
    this.#drain(replica);
    this.#changed();
  }

  #drain(replica: LocalReplica | undefined): void {
    if (replica === undefined || replica.leaving) return;
    replica.leaving = true;
    clearTimeout(replica.startTimer);
    if (replica.process.pid !== undefined) this.#options.guard.forget(replica.process.pid);
    replica.process.drain();
  }

  #ended(replica: LocalReplica, how: string, code: number | null): void {
    const { pool, logger, guard, now } = this.#options;
    clearTimeout(replica.startTimer);
    this.#replicas.delete(replica.id);
    if (replica.process.pid !== undefined) guard.forget(replica.process.pid);
    const fields = { pool, replica: replica.id, afterMs: now() - replica.startedAtMs };
    if (replica.leaving) logger.info(fields, `replica ${how}`);
    else if (code === 0 && replica.heardAtMs !== null) logger.info(fields, `replica ${how} by itself`);
    else {
      logger.warn(fields, `replica ${how}, nobody had asked it to`);
      this.#crashed(replica, `${how} after ${Math.round(fields.afterMs / 100) / 10} s`);
    }
    this.#changed();
  }

  #crashed(replica: LocalReplica, reason: string): void {
    this.#backoff = afterCrash(this.#backoff, reason, this.#options.now(), replica.heardAtMs !== null);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
