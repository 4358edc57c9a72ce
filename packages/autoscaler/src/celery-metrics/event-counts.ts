import type { FleetEvent } from '@celeriac/brokers';
import { createHosts, type Hosts } from './hosts.ts';
import { createKnownTasks, type KnownTask, TASK_EVENTS, type TaskEventType } from './known-tasks.ts';
import { type CountedFlow, createQueueFlow } from './queue-flow.ts';
import { createTaskSeries, type TaskSeries } from './task-series.ts';

/** What labels are made of beside the events. */
export interface EventLabels {
  /** The pool of a worker; undefined where it belongs to none of ours. */
  readonly poolOf: (nodename: string) => string | undefined;
  /** The only queue a pool serves; undefined where there are several. */
  readonly onlyQueueOf: (pool: string) => string | undefined;
  /** What `hostname` says: the host part of the node name, as celery-exporter, or the pool where the worker is in one. */
  readonly hostnameLabel: 'host' | 'pool';
}

/** Everything that is counted from the events of a fleet. */
export interface EventCounts {
  readonly series: TaskSeries;
  readonly hosts: Hosts;
  readonly flow: CountedFlow;
  /** Events that were left out because there were too many series already. */
  readonly dropped: number;
  take(event: FleetEvent, nowMs: number): void;
  /** Time has passed: removes what nobody has spoken of for long. */
  sweep(nowMs: number): void;
}

/** A label's value where nobody said which queue it was. */
const UNKNOWN_QUEUE = 'unknown';
const EXCEPTION = /^([\p{L}\p{M}\p{N}_]+)\(/u;
const LONGEST = 255;
const NODES_KEPT = 20_000;

/**
 * Counts events as celery-exporter does (src/exporter.py): labels come from what all events of a task have said so far, the queue is
 * `celery` where none said it. At most `most` samples.
 */
export function createEventCounts(labels: EventLabels, most = 100_000): EventCounts {
  const tasks = createKnownTasks();
  const series = createTaskSeries(most);
  const hosts = createHosts();
  const flow = createQueueFlow();
  const hostsByNode = new Map<string, string>();
  let dropped = 0;

  const hostOf = (nodename: string): string => {
    const known = hostsByNode.get(nodename);
    if (known !== undefined) return known;
    if (hostsByNode.size >= NODES_KEPT) hostsByNode.clear();
    const host = nodename.slice(nodename.indexOf('@') + 1, nodename.indexOf('@') + 1 + LONGEST);
    hostsByNode.set(nodename, host);
    return host;
  };
  const labelOf = (nodename: string, isClient: boolean): string => {
    if (labels.hostnameLabel === 'host') return hostOf(nodename);
    return isClient ? 'generic' : (labels.poolOf(nodename) ?? hostOf(nodename));
  };
  const countFlow = (type: TaskEventType, task: KnownTask, waitS: number | null): boolean => {
    const isReceived = type === 'task-received';
    if (!isReceived && type !== 'task-succeeded' && type !== 'task-failed' && waitS === null) return true;
    const pool = task.queue == null ? labels.poolOf(task.nodename) : undefined;
    const queue = task.queue ?? (pool === undefined ? undefined : labels.onlyQueueOf(pool)) ?? UNKNOWN_QUEUE;
    if (waitS !== null) flow.waited(queue, waitS);
    return type === 'task-started' || flow.add(isReceived ? 'received' : 'completed', queue);
  };
  const countTask = (type: TaskEventType, event: FleetEvent, nowMs: number): boolean => {
    const task = tasks.after(type, event);
    if (task === null) return true;
    const hostname = labelOf(task.nodename, type === 'task-sent');
    hosts.touch(hostname, nowMs);
    const waitS = type === 'task-started' ? waitOf(task, event.timestamp) : null;
    const added = series.add({
      labels: { name: task.name ?? 'None', hostname, queue: task.queue === undefined ? 'celery' : (task.queue ?? 'None') },
      type,
      exception: type === 'task-failed' ? exceptionOf(event.exception) : '',
      runtimeS: typeof event.runtime === 'number' ? event.runtime : null,
      waitS,
    });
    return countFlow(type, task, waitS) && added;
  };

  return {
    series,
    hosts,
    flow,
    get dropped() {
      return dropped;
    },
    take(event, nowMs) {
      const { type, hostname } = event;
      let counted = true;
      if (isTaskEvent(type)) counted = countTask(type, event, nowMs);
      else if (isWorkerEvent(type) && typeof hostname === 'string' && hostname.length <= LONGEST) {
        counted = hosts.take(event, labelOf(hostname, false), nowMs);
      }
      if (!counted) dropped += 1;
    },
    sweep(nowMs) {
      for (const host of hosts.sweep(nowMs)) series.removeHost(host);
    },
  };
}

function isTaskEvent(type: string): type is TaskEventType {
  return Object.hasOwn(TASK_EVENTS, type);
}

function isWorkerEvent(type: string): boolean {
  return type === 'worker-heartbeat' || type === 'worker-online' || type === 'worker-offline';
}

/** From sending, or from the ETA, to the start; by two clocks, so that a little less than nothing is nothing. */
function waitOf(task: KnownTask, startedS: unknown): number | null {
  if (task.sentS === null || typeof startedS !== 'number') return null;
  return Math.max(0, startedS - Math.max(task.sentS, task.etaS ?? 0));
}

/** Events carry the exception as Python shows it: `ValueError('no')`. */
function exceptionOf(shown: unknown): string {
  return (typeof shown === 'string' ? EXCEPTION.exec(shown)?.[1]?.slice(0, LONGEST) : undefined) ?? 'UnknownException';
}
