import type { FleetEvent } from '@celeriac/brokers';
import { createGenerations } from './generations.ts';

/** The task events that are counted, and how far along a task is in each: the lower, the further (celery/states.py, PRECEDENCE). */
export const TASK_EVENTS = {
  'task-succeeded': 0,
  'task-failed': 1,
  'task-revoked': 3,
  'task-started': 4,
  'task-received': 5,
  'task-rejected': 6,
  'task-retried': 7,
  'task-sent': 8,
} as const;

/** One of {@link TASK_EVENTS}. */
export type TaskEventType = keyof typeof TASK_EVENTS;

/** One attempt of a task, by the clocks of those who sent and started it, epoch seconds. */
export interface Attempt {
  readonly retries: number;
  sentS: number | null;
  /** Not to be started before. */
  etaS: number | null;
  startedS: number | null;
  /** Node name of the worker that started it. */
  worker: string;
  /** Its wait has been counted: a second start, after the loss of a worker, is none that anybody waited for in the queue. */
  measured: boolean;
}

/** What the events of a task have said so far. */
export interface KnownTask {
  /** Null while no event has said it: one that begins in the middle is not told again. */
  name: string | null;
  /** Node name, or that of the client, of the latest event. */
  nodename: string;
  /** As the client or a worker of ours said it; undefined where nobody has, null where a client said that there is none. */
  queue: string | null | undefined;
  /** Its latest attempt. */
  attempt: Attempt;
  rank: number;
}

/** Remembers tasks from event to event; forgets the oldest beyond its bound. */
export interface KnownTasks {
  /** The task after the event; null for one that names no task. */
  after(type: TaskEventType, event: FleetEvent): KnownTask | null;
  readonly size: number;
}

const RETRY = TASK_EVENTS['task-retried'];
const RECEIVED = TASK_EVENTS['task-received'];
const LONGEST = 255;
const ENDS: ReadonlySet<TaskEventType> = new Set(['task-succeeded', 'task-failed', 'task-revoked', 'task-rejected']);
const NAMES_KEPT = 10_000;

/**
 * Joins events as celery/events/state.py does: only the first events of a task tell its name and queue, and a `task-received` that comes
 * behind a later event adds its name and nothing else. Keeps between `most / 2` and `most` tasks that are under way, and a tenth of that of
 * those that ended (Celery's own keeps 10,000 in all).
 */
export function createKnownTasks(most = 100_000): KnownTasks {
  const names = new Map<string, string>();
  const live = createGenerations<KnownTask>(most);
  const ended = createGenerations<KnownTask>(most / 10);

  /** One copy of what thousands of events say alike. */
  const one = (text: string): string => {
    const known = names.get(text);
    if (known !== undefined) return known;
    if (names.size >= NAMES_KEPT) names.clear();
    const short = text.slice(0, LONGEST);
    names.set(text, short);
    return short;
  };
  const recall = (id: string): KnownTask => {
    const known = live.get(id) ?? ended.get(id);
    if (known !== undefined) return known;
    const made: KnownTask = { name: null, nodename: '', queue: undefined, attempt: attemptOf(0), rank: 8 };
    live.set(id, made);
    return made;
  };

  return {
    after(type, event) {
      const { uuid, hostname, name, queue } = event;
      if (typeof uuid !== 'string' || uuid === '' || uuid.length > LONGEST || typeof hostname !== 'string') return null;
      const rank = TASK_EVENTS[type];
      const task = recall(uuid);
      const late = rank !== RETRY && task.rank !== RETRY && rank > task.rank;
      if (name !== undefined) task.name = name === null ? null : one(String(name));
      noteAttempt(task, type, event);
      if (!late) task.rank = rank;
      if (ENDS.has(type) && live.delete(uuid)) ended.set(uuid, task);
      if (late && rank === RECEIVED) return task;
      task.nodename = one(hostname);
      if (queue !== undefined) task.queue = queue === null ? null : one(String(queue));
      return task;
    },
    get size() {
      return live.size + ended.size;
    },
  };
}

/** Events of a client and of a worker overtake each other; the number of retries says which attempt they tell of. */
function noteAttempt(task: KnownTask, type: TaskEventType, event: FleetEvent): void {
  if (type === 'task-started') {
    if (task.attempt.startedS === null)
      Object.assign(task.attempt, { startedS: numberOf(event.timestamp), worker: String(event.hostname) });
    return;
  }
  if (type !== 'task-sent' && type !== 'task-received') return;
  const retries = numberOf(event.retries) ?? task.attempt.retries;
  if (retries < task.attempt.retries) return;
  if (retries > task.attempt.retries) task.attempt = attemptOf(retries);
  if (event.eta !== undefined) task.attempt.etaS = secondsOf(event.eta);
  if (type === 'task-sent') task.attempt.sentS = numberOf(event.timestamp);
}

/**
 * How long the latest attempt waited, from sending or from its ETA to its start, once that is known; a little less than nothing, by two
 * clocks, is nothing. Seconds; null where it is not known yet or was told before.
 */
export function takeWait({ attempt }: KnownTask): number | null {
  const { sentS, etaS, startedS } = attempt;
  if (attempt.measured || startedS === null || (sentS === null && etaS === null)) return null;
  attempt.measured = true;
  return Math.max(0, startedS - Math.max(sentS ?? 0, etaS ?? 0));
}

function attemptOf(retries: number): Attempt {
  return { retries, sentS: null, etaS: null, startedS: null, worker: '', measured: false };
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function secondsOf(eta: unknown): number | null {
  if (typeof eta !== 'string' || eta.length > 64) return null;
  const epochMs = Date.parse(eta);
  return Number.isNaN(epochMs) ? null : epochMs / 1_000;
}
