// One container of a pod from its first start to its end: restarts with back-off, probes, and the end by SIGTERM, grace and SIGKILL.

import { randomBytes } from 'node:crypto';
import { afterCrash, type BackOff, goDuration } from './back-off.ts';
import { ContainerConfigError } from './container-config-error.ts';
import type { ContainerProcess } from './container-process.ts';
import type { Container, Pod } from './pod.ts';
import { type ContainerState, type ContainerStatus, kubeTime, LOST_CONTAINER, type TerminatedState } from './pod-status.ts';
import { type ProbeTarget, startProbe } from './probe.ts';

/** One start of a container and its end. */
export interface ContainerRecord {
  readonly pod: string;
  readonly podUid: string;
  readonly container: string;
  /** 0 when no process was wanted. */
  readonly pid: number;
  readonly startedAtMs: number;
  /** What it wrote so far. */
  output(): string;
  /** When it was sent SIGTERM. */
  termAtMs?: number;
  endedAtMs?: number;
  exitCode?: number;
  /** The grace ran out and it was ended by SIGKILL. */
  killed: boolean;
  /** The rig itself ended it: the test was over, or the pod was gone from the API. */
  dropped: boolean;
}

export interface ContainerContext {
  pod(): Pod;
  readonly container: Container;
  readonly backOffBaseMs: number;
  readonly retryMs: number;
  /** What a test lets the start fail with. */
  blocked(): { readonly reason: string; readonly message: string } | undefined;
  /** Reads what the start needs. Rejects with ContainerConfigError when the API does not have it. */
  prepare(id: string): Promise<{ readonly start: () => ContainerProcess; readonly probed: ProbeTarget }>;
  readyOverride(): boolean | undefined;
  /** The status is another one now. */
  changed(): void;
  /** It has ended and does not start again. */
  over(): void;
  noted(record: ContainerRecord): void;
  killed(record: ContainerRecord): void;
}

export class ContainerRun {
  readonly #context: ContainerContext;
  readonly #probes = new Set<() => void>();
  #state: ContainerState = { waiting: { reason: 'ContainerCreating' } };
  #lastState: ContainerState = {};
  #id: string | undefined;
  #process: ContainerProcess | undefined;
  #record: ContainerRecord | undefined;
  #restartCount = 0;
  #backOff: BackOff = { nextMs: 0 };
  #started = false;
  #probedReady = false;
  #terminating = false;
  #preparing = false;
  #over = false;
  #startTimer: NodeJS.Timeout | undefined;
  #killTimer: NodeJS.Timeout | undefined;
  #killAtMs = Number.POSITIVE_INFINITY;

  constructor(context: ContainerContext) {
    this.#context = context;
  }

  get isOver(): boolean {
    return this.#over;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  output(): string {
    return this.#process?.output() ?? '';
  }

  get status(): ContainerStatus {
    const { name, image = 'none' } = this.#context.container;
    const running = this.#state.running !== undefined;
    return {
      name,
      image,
      imageID: this.#id === undefined ? '' : `test://${image}`,
      ...(this.#id === undefined ? {} : { containerID: this.#id }),
      ready: running && this.#started && (this.#context.readyOverride() ?? this.#probedReady),
      started: running && this.#started,
      restartCount: this.#restartCount,
      state: this.#state,
      lastState: this.#lastState,
    };
  }

  /** Starts it unless it runs or waits for its next start. */
  async start(): Promise<void> {
    if (this.#terminating || this.#preparing || this.#process !== undefined || this.#over) return;
    clearTimeout(this.#startTimer);
    const blocked = this.#context.blocked();
    if (blocked !== undefined) {
      this.#become({ waiting: blocked });
      return;
    }
    const id = `test://${randomBytes(16).toString('hex')}`;
    this.#preparing = true;
    try {
      const { start, probed } = await this.#context.prepare(id);
      if (!this.#terminating) this.#run(id, start(), probed);
    } catch (error) {
      if (this.#terminating) return;
      if (error instanceof ContainerConfigError)
        this.#become({ waiting: { reason: 'CreateContainerConfigError', message: error.message } });
      this.#startIn(this.#context.retryMs);
    } finally {
      this.#preparing = false;
    }
  }

  /** SIGTERM now, SIGKILL when the grace is over; a later call may shorten the grace. */
  terminate(graceMs: number): void {
    this.#terminating = true;
    clearTimeout(this.#startTimer);
    if (this.#process === undefined) {
      if (this.#over) return;
      const last = this.#state.terminated ?? this.#lastState.terminated ?? LOST_CONTAINER;
      this.#lastState = {};
      this.#finish(last);
      return;
    }
    this.#end(graceMs);
  }

  /** Ends its processes at once; for the end of the rig and of pods that are gone. */
  drop(): void {
    this.#terminating = true;
    clearTimeout(this.#startTimer);
    clearTimeout(this.#killTimer);
    this.#stopProbes();
    if (this.#record !== undefined && this.#process !== undefined) this.#record.dropped = true;
    this.#process?.kill();
  }

  /** Resolves when no process of it is left. */
  async gone(): Promise<void> {
    await this.#process?.ended;
  }

  #run(id: string, process: ContainerProcess, probed: ProbeTarget): void {
    const { name, namespace = '', uid = '' } = this.#context.pod().metadata;
    const startedAtMs = Date.now();
    const { container } = this.#context;
    const record: ContainerRecord = {
      ...{ pod: name, podUid: uid, container: container.name, pid: process.pid },
      ...{ startedAtMs, output: () => process.output(), killed: false, dropped: false },
    };
    if (this.#record !== undefined) this.#restartCount++;
    this.#process = process;
    this.#record = record;
    this.#id = id;
    this.#context.noted(record);
    this.#startProbes(probed);
    this.#become({ running: { startedAt: kubeTime(startedAtMs) } });
    void process.ended.then((exitCode) => {
      record.exitCode = exitCode;
      record.endedAtMs = Date.now();
      clearTimeout(this.#killTimer);
      this.#killAtMs = Number.POSITIVE_INFINITY;
      this.#stopProbes();
      this.#process = undefined;
      this.#ended(id, record, `${name}_${namespace}(${uid})`);
    });
  }

  #ended(id: string, record: ContainerRecord, title: string): void {
    const { startedAtMs, exitCode = 0, endedAtMs = startedAtMs } = record;
    const terminated: TerminatedState = {
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
      startedAt: kubeTime(startedAtMs),
      finishedAt: kubeTime(endedAtMs),
      containerID: id,
    };
    const policy = this.#context.pod().spec?.restartPolicy ?? 'Always';
    if (this.#terminating || policy === 'Never' || (policy === 'OnFailure' && exitCode === 0)) {
      this.#finish(terminated);
      return;
    }
    this.#become({ terminated });
    const { waitMs, next } = afterCrash(this.#backOff, this.#context.backOffBaseMs, endedAtMs - startedAtMs);
    this.#backOff = next;
    const seenAfterMs = Math.min(1_000, waitMs / 2); // a kubelet looks at its containers once a second
    this.#startTimer = setTimeout(() => {
      this.#lastState = { terminated };
      if (waitMs === 0) {
        void this.start();
        return;
      }
      const message = `back-off ${goDuration(waitMs)} restarting failed container=${record.container} pod=${title}`;
      this.#become({ waiting: { reason: 'CrashLoopBackOff', message } });
      this.#startIn(waitMs - seenAfterMs);
    }, seenAfterMs);
  }

  #end(graceMs: number): void {
    const record = this.#record;
    if (record !== undefined && record.termAtMs === undefined) {
      record.termAtMs = Date.now();
      this.#process?.signal('SIGTERM');
    }
    const killAtMs = Date.now() + graceMs;
    if (killAtMs >= this.#killAtMs) return;
    this.#killAtMs = killAtMs;
    clearTimeout(this.#killTimer);
    const process = this.#process;
    this.#killTimer = setTimeout(() => {
      if (record === undefined || process === undefined || record.endedAtMs !== undefined) return;
      record.killed = true;
      process.kill();
      this.#context.killed(record);
    }, graceMs);
  }

  #startProbes(target: ProbeTarget): void {
    const { startupProbe, readinessProbe, livenessProbe } = this.#context.container;
    const restart = (): void => this.#end((this.#context.pod().spec?.terminationGracePeriodSeconds ?? 30) * 1_000);
    const begin = (): void => {
      this.#started = true;
      this.#probedReady = readinessProbe === undefined;
      if (readinessProbe !== undefined) {
        const follow = (healthy: boolean): void => {
          this.#probedReady = healthy;
          this.#context.changed();
        };
        this.#probes.add(startProbe(readinessProbe, target, follow));
      }
      if (livenessProbe !== undefined) this.#probes.add(startProbe(livenessProbe, target, (healthy) => (healthy ? undefined : restart())));
    };
    this.#started = false;
    this.#probedReady = false;
    if (startupProbe === undefined) {
      begin();
      return;
    }
    const stop = startProbe(startupProbe, target, (healthy) => {
      stop();
      if (healthy) begin();
      else restart();
      this.#context.changed();
    });
    this.#probes.add(stop);
  }

  #stopProbes(): void {
    for (const stop of this.#probes) stop();
    this.#probes.clear();
  }

  #startIn(ms: number): void {
    clearTimeout(this.#startTimer);
    this.#startTimer = setTimeout(() => void this.start(), ms);
  }

  #become(state: ContainerState): void {
    this.#state = state;
    this.#context.changed();
  }

  #finish(terminated: TerminatedState): void {
    this.#over = true;
    this.#state = { terminated };
    this.#context.over();
  }
}
