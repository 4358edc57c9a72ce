import type { FleetEvent } from '@celeriac/brokers';
import { createHosts, type Hosts } from './hosts.ts';
import { createKnownTasks, type KnownTask, TASK_EVENTS, type TaskEventType, takeWait } from './known-tasks.ts';
import { type CountedFlow, createQueueFlow } from './queue-flow.ts';
import { createTaskSeries, type TaskLabels, type TaskSeries } from './task-series.ts';

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
  const queueOf = (task: KnownTask, nodename: string): string => {
    const pool = task.queue == null ? labels.poolOf(nodename) : undefined;
    return task.queue ?? (pool === undefined ? undefined : labels.onlyQueueOf(pool)) ?? UNKNOWN_QUEUE;
  };
  const labelsOf = (task: KnownTask, hostname: string): TaskLabels => {
    return { name: task.name ?? 'None', hostname, queue: task.queue === undefined ? 'celery' : (task.queue ?? 'None') };
  };
  const countTask = (type: TaskEventType, event: FleetEvent, nowMs: number): boolean => {
    const task = tasks.after(type, event);
    if (task === null) return true;
    const hostname = labelOf(task.nodename, type === 'task-sent');
    hosts.touch(hostname, nowMs);
    const exception = type === 'task-failed' ? exceptionOf(event.exception) : '';
    const runtimeS = typeof event.runtime === 'number' ? event.runtime : null;
    const added = series.add({ labels: labelsOf(task, hostname), type, exception, runtimeS });
    const flown = countFlow(type, task);
    // What a client says may come behind what the worker says, which is then what the wait is counted for.
    const waitS = type === 'task-started' || type === 'task-sent' ? takeWait(task) : null;
    if (waitS === null) return added && flown;
    const { worker } = task.attempt;
    const waited = flow.waited(queueOf(task, worker), waitS);
    return series.addWait(labelsOf(task, labelOf(worker, false)), waitS) && waited && added;
  };
  const countFlow = (type: TaskEventType, task: KnownTask): boolean => {
    if (type === 'task-received') return flow.add('received', queueOf(task, task.nodename));
    if (type === 'task-succeeded' || type === 'task-failed') return flow.add('completed', queueOf(task, task.nodename));
    return true;
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

/** Events carry the exception as Python shows it: `ValueError('no')`. */
function exceptionOf(shown: unknown): string {
  return (typeof shown === 'string' ? EXCEPTION.exec(shown)?.[1]?.slice(0, LONGEST) : undefined) ?? 'UnknownException';
}
