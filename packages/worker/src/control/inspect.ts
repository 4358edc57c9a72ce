import type { ControlHandler } from '@celeriac/brokers';
import type { Attempt } from '../intake/attempt.ts';
import { pythonUtcText } from '../outcome/records.ts';
import { isBuiltIn } from '../tasks/built-in.ts';
import type { ControlledNode } from './node.ts';
import { queueInfo } from './queue-info.ts';
import { stats } from './stats.ts';
import { taskInfo } from './task-info.ts';

/** Celery's default priority of a scheduled timer entry (celery/worker/strategy.py). */
const TIMER_PRIORITY = 6;
const MAX_IDS = 10_000;

/** The commands that only look (celery/worker/control.py `inspect_command`), with Celery's older names. */
export function inspectHandlers(node: ControlledNode): Record<string, ControlHandler> {
  const infos = (attempts: Iterable<Attempt>, safe: unknown) => [...attempts].map((one) => taskInfo(one, node.nodename, safe === true));
  const active: ControlHandler = ({ safe }) => infos(node.hand.running, safe);
  const reserved: ControlHandler = ({ safe }) => infos([...node.hand.all()].filter(isReserved), safe);
  const scheduled: ControlHandler = () =>
    node.held.attempts.map((attempt) => ({
      eta: pythonUtcText(attempt.heldUntilMs),
      priority: TIMER_PRIORITY,
      request: taskInfo(attempt, node.nodename, true),
    }));
  const registered: ControlHandler = () =>
    node
      .manifest()
      .tasks.map((task) => task.name)
      .filter((name) => !isBuiltIn(name))
      .sort();
  const revoked: ControlHandler = () => node.revoked.list(node.now());
  const conf: ControlHandler = () => node.conf;
  return {
    ping: () => ({ ok: 'pong' }),
    clock: () => ({ clock: node.clock.value }),
    active,
    dump_active: active,
    reserved,
    dump_reserved: reserved,
    scheduled,
    dump_schedule: scheduled,
    registered,
    dump_tasks: registered,
    revoked,
    dump_revoked: revoked,
    conf,
    dump_conf: conf,
    active_queues: () => (node.consumer()?.queues ?? []).map(queueInfo),
    stats: () => stats(node),
    report: () => ({ ok: `celeriac, Node ${process.version}, ${node.traits.name}` }),
    query_task: ({ ids }) => queryTasks(node, ids),
    hello: (args) => hello(node, args),
  };
}

function queryTasks(node: ControlledNode, ids: unknown): Record<string, unknown> {
  const asked: unknown[] = Array.isArray(ids) ? ids.slice(0, MAX_IDS) : [ids];
  const known: [string, unknown][] = [];
  for (const id of asked) {
    const attempt = typeof id === 'string' ? node.hand.get(id) : undefined;
    if (attempt !== undefined) known.push([attempt.request.id, [stateOf(attempt), taskInfo(attempt, node.nodename, true)]]);
  }
  return Object.fromEntries(known);
}

/** Another node starts and tells what was revoked while we tell it the same (celery-wire 7.9); nothing to say to ourselves. */
function hello(node: ControlledNode, args: Readonly<Record<string, unknown>>): unknown {
  if (args.from_node === node.nodename) return null;
  const { revoked } = args;
  const ids = Array.isArray(revoked) ? revoked : typeof revoked === 'object' && revoked !== null ? Object.keys(revoked) : [];
  const nowMs = node.now();
  for (const id of ids.slice(0, MAX_IDS)) if (typeof id === 'string' && id.length <= 255) node.revoked.add(id, nowMs);
  return { revoked: node.revoked.list(nowMs), clock: node.clock.value };
}

function isReserved({ phase }: Attempt): boolean {
  return phase === 'waiting' || phase === 'booked' || phase === 'checking';
}

function stateOf(attempt: Attempt): string {
  if (attempt.phase === 'running') return 'active';
  if (attempt.phase === 'held') return 'scheduled';
  return isReserved(attempt) ? 'reserved' : 'ready';
}
