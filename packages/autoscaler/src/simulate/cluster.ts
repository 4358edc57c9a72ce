import type { Clock } from './clock.ts';
import { beforeChange, createPod, type Run, type SimulatedPod } from './pod.ts';
import { createTaskQueue, type SimulatedTask, type TaskQueue } from './task-queue.ts';
import type { Arrival } from './trace.ts';

/** How pods and workers of a simulation behave. */
export interface ClusterOptions {
  readonly arrivals: readonly Arrival[];
  /** Concurrency of a worker. */
  readonly slots: number;
  /** From asking for a pod to its worker taking tasks, ms. */
  readonly coldStartMs: number;
  /** From SIGTERM to SIGKILL, ms. */
  readonly graceMs: number;
  /** Messages a worker may hold unacknowledged for each slot, from 1. */
  readonly prefetch: number;
  /** When a message is acknowledged: as its task begins, or as it ends. */
  readonly ack: 'early' | 'late';
  /** Until a killed worker's unacknowledged messages are there again, ms: 0 as RabbitMQ, the visibility timeout on Redis. */
  readonly redeliveryMs: number;
}

/** What became of the tasks and what it cost. */
export interface Tally {
  /** From arrival to the beginning of the run that ended, ms; one for each task that ended. */
  readonly waits: number[];
  ended: number;
  /** Runs ended by SIGKILL. */
  kills: number;
  /** Tasks acknowledged and never finished. */
  lost: number;
  starts: number;
  /** Changes of direction. */
  reversals: number;
  podMs: number;
  lastEndMs: number;
}

export type ClusterChange = 'arrival' | 'up' | 'work' | 'gone';

/** The simulated broker, pods and workers: what a policy can see and do. */
export interface Cluster {
  readonly clock: Clock;
  /** Pods that are starting, up or leaving, oldest first. */
  readonly pods: readonly SimulatedPod[];
  readonly queues: readonly TaskQueue[];
  /** Tasks that wait, are held or run. */
  readonly inFlight: number;
  /** Pods that are not leaving. */
  readonly replicas: number;
  readonly tally: Tally;
  /** All tasks have arrived and ended. */
  readonly done: boolean;
  grow(count: number): void;
  /** SIGTERM, and SIGKILL after the grace. */
  terminate(pod: SimulatedPod): void;
  /** Stops a worker from taking tasks, or lets it take them again. */
  cordon(pod: SimulatedPod, on: boolean): void;
  /** Called before something happens that no policy did. */
  beforeChange(listener: () => void): void;
  onChange(listener: (change: ClusterChange) => void): void;
}

/** Builds it; the arrivals come by the clock. */
export function createCluster(clock: Clock, options: ClusterOptions): Cluster {
  const { arrivals, slots } = options;
  const names = [...new Set(arrivals.map((arrival) => arrival.queue))];
  const queues = names.map(createTaskQueue);
  const indexOf = new Map(names.map((name, index) => [name, index]));
  // As consumers queue up at a broker: whoever was served last comes last.
  const ring: SimulatedPod[] = [];
  const tally: Tally = { waits: [], ended: 0, kills: 0, lost: 0, starts: 0, reversals: 0, podMs: 0, lastEndMs: 0 };
  const credit = slots * options.prefetch;
  const beginMs = arrivals[0]?.atMs ?? 0;
  let pods: SimulatedPod[] = [];
  let listener: (change: ClusterChange) => void = () => {};
  let before: () => void = () => {};
  let arrived = 0;
  let waiting = 0;
  let turn = 0;
  let direction = 0;

  const move = (to: 1 | -1): void => {
    if (direction === -to) tally.reversals += 1;
    direction = to;
  };

  const takes = (pod: SimulatedPod): boolean =>
    pod.phase === 'up' &&
    !pod.cordoned &&
    pod.reserved.length + (options.ack === 'late' ? pod.running.size : 0) < credit &&
    (pod.running.size < slots || pod.reserved.length < credit);

  const nextTask = (): SimulatedTask | undefined => {
    for (let tried = 0; tried < queues.length; tried += 1) {
      const task = queues[turn % queues.length]?.take();
      turn += 1;
      if (task !== undefined) return task;
    }
    return undefined;
  };

  const dispatch = (): void => {
    let passed = 0;
    while (waiting > 0 && passed < ring.length) {
      const pod = ring.shift() as SimulatedPod;
      ring.push(pod);
      if (!takes(pod)) {
        passed += 1;
        continue;
      }
      passed = 0;
      const task = nextTask() as SimulatedTask;
      waiting -= 1;
      beforeChange(pod, clock.nowMs);
      if (pod.running.size < slots) begin(pod, task);
      else pod.reserved.push(task);
    }
  };

  const begin = (pod: SimulatedPod, task: SimulatedTask): void => {
    task.begunMs = clock.nowMs;
    pod.begun += 1;
    const run: Run = { task, cancel: clock.at(clock.nowMs + task.serviceMs, () => end(pod, run)) };
    pod.running.add(run);
  };

  const end = (pod: SimulatedPod, run: Run): void => {
    before();
    beforeChange(pod, clock.nowMs);
    pod.running.delete(run);
    settle(run.task, false);
    const next = pod.phase === 'up' ? pod.reserved.shift() : undefined;
    if (next !== undefined) begin(pod, next);
    if (pod.phase === 'leaving') {
      if (pod.running.size === 0) leave(pod);
    } else dispatch();
    listener('work');
  };

  const settle = (task: SimulatedTask, lost: boolean): void => {
    tally.lastEndMs = clock.nowMs;
    if (lost) {
      tally.lost += 1;
      return;
    }
    tally.ended += 1;
    tally.waits.push(task.begunMs - task.arrivedMs);
  };

  const giveBack = (task: SimulatedTask): void => {
    waiting += 1;
    queues[task.queue]?.giveBack(task);
  };

  const leave = (pod: SimulatedPod): void => {
    pod.phase = 'gone';
    pod.cancelDeadline?.();
    pods = pods.filter((other) => other !== pod);
    const at = ring.indexOf(pod);
    if (at >= 0) ring.splice(at, 1);
    tally.podMs += clock.nowMs - pod.askedMs;
    listener('gone');
  };

  const kill = (pod: SimulatedPod): void => {
    before();
    for (const run of pod.running) {
      run.cancel();
      tally.kills += 1;
      if (options.ack === 'early') settle(run.task, true);
      else if (options.redeliveryMs === 0) giveBack(run.task);
      else
        clock.at(clock.nowMs + options.redeliveryMs, () => {
          before();
          giveBack(run.task);
          dispatch();
          listener('arrival');
        });
    }
    leave(pod);
    dispatch();
  };

  const arrive = (): void => {
    before();
    const { atMs } = arrivals[arrived] as Arrival;
    for (let next = arrivals[arrived]; next?.atMs === atMs; next = arrivals[arrived]) {
      const queue = indexOf.get(next.queue) as number;
      queues[queue]?.push({ arrivedMs: clock.nowMs, serviceMs: next.serviceMs, queue, begunMs: Number.NaN });
      arrived += 1;
      waiting += 1;
    }
    dispatch();
    listener('arrival');
    planArrival();
  };
  const planArrival = (): void => {
    const next = arrivals[arrived];
    if (next !== undefined) clock.at(next.atMs - beginMs, arrive);
  };
  planArrival();

  return {
    clock,
    queues,
    tally,
    get pods() {
      return pods;
    },
    get inFlight() {
      return arrived - tally.ended - tally.lost;
    },
    get replicas() {
      return pods.reduce((sum, pod) => (pod.phase === 'leaving' ? sum : sum + 1), 0);
    },
    get done() {
      return tally.ended + tally.lost === arrivals.length;
    },
    grow(count) {
      if (count > 0) move(1);
      for (let more = 0; more < count; more += 1) {
        tally.starts += 1;
        const pod = createPod(`pod-${tally.starts}`, clock.nowMs, clock.nowMs + options.coldStartMs);
        pods.push(pod);
        clock.at(pod.upMs, () => {
          if (pod.phase !== 'starting') return;
          before();
          pod.phase = 'up';
          ring.push(pod);
          dispatch();
          listener('up');
        });
      }
    },
    terminate(pod) {
      if (pod.phase === 'leaving' || pod.phase === 'gone') return;
      move(-1);
      if (pod.phase === 'starting' || pod.running.size + pod.reserved.length === 0) {
        leave(pod);
        return;
      }
      beforeChange(pod, clock.nowMs);
      pod.phase = 'leaving';
      // A warm shutdown gives back what has not begun.
      for (let task = pod.reserved.pop(); task !== undefined; task = pod.reserved.pop()) giveBack(task);
      if (pod.running.size === 0) leave(pod);
      else pod.cancelDeadline = clock.at(clock.nowMs + options.graceMs, () => kill(pod));
      dispatch();
    },
    cordon(pod, on) {
      pod.cordoned = on;
      if (!on) dispatch();
    },
    beforeChange(next) {
      before = next;
    },
    onChange(next) {
      listener = next;
    },
  };
}
