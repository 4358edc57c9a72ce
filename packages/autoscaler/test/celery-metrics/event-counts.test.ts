import { describe, expect, it } from 'vitest';
import { createEventCounts, type EventLabels } from '../../src/celery-metrics/event-counts.ts';
import { celeryPage, type QueueFigures } from '../../src/celery-metrics/exposition.ts';

const byHost: EventLabels = { poolOf: () => undefined, onlyQueueOf: () => undefined, hostnameLabel: 'host' };

function rig(labels: EventLabels = byHost, most?: number) {
  const counts = createEventCounts(labels, most);
  const waits: [string, number][] = [];
  counts.flow.onWait((queue, waitS) => waits.push([queue, waitS]));
  const tell = (type: string, fields: Record<string, unknown>, hostname = 'w@pod-1'): void =>
    counts.take({ type, hostname, timestamp: 1_000, ...fields }, 0);
  const page = (queues: ReadonlyMap<string, QueueFigures> = new Map()): readonly string[] =>
    [...celeryPage({ rows: counts.series.rows, hosts: counts.hosts.look(), queues })].join('').split('\n');
  const series = (): readonly string[] => page().filter((line) => line !== '' && !line.startsWith('#'));
  return { counts, waits, tell, page, series };
}

describe('events of tasks', () => {
  it('are counted under what earlier events of the task said', () => {
    const { tell, series, waits, counts } = rig();
    tell('task-sent', { uuid: '1', name: 'add', queue: 'emails', timestamp: 10, retries: 0, eta: null }, 'gen7@web');
    tell('task-received', { uuid: '1', name: 'add', retries: 0, eta: null });
    tell('task-started', { uuid: '1', timestamp: 12.5 });
    tell('task-succeeded', { uuid: '1', runtime: 0.3 });
    const shown = series();
    expect(shown).toContain('celery_task_sent_total{hostname="web",name="add",queue_name="emails"} 1.0');
    expect(shown).toContain('celery_task_sent_total{hostname="pod-1",name="add",queue_name="emails"} 0.0');
    expect(shown).toContain('celery_task_succeeded_total{hostname="pod-1",name="add",queue_name="emails"} 1.0');
    expect(shown).toContain('celery_task_failed_total{exception="",hostname="pod-1",name="add",queue_name="emails"} 0.0');
    expect(shown).toContain('celery_task_runtime_bucket{hostname="pod-1",le="0.25",name="add",queue_name="emails"} 0.0');
    expect(shown).toContain('celery_task_runtime_bucket{hostname="pod-1",le="1.0",name="add",queue_name="emails"} 1.0');
    expect(shown).toContain('celery_task_runtime_sum{hostname="pod-1",name="add",queue_name="emails"} 0.3');
    expect(shown).toContain('celery_task_queue_wait_time_sum{hostname="pod-1",name="add",queue_name="emails"} 2.5');
    expect(shown.filter((line) => line.includes('"web"'))).toHaveLength(1);
    expect(shown).toHaveLength(counts.series.size);
    expect(waits).toEqual([['emails', 2.5]]);
  });

  it('name the exception, and what Python would make None or celery', () => {
    const { tell, series } = rig();
    tell('task-failed', { uuid: '1', exception: "ValueError('no')" });
    tell('task-failed', { uuid: '2', exception: 'reject requeue=False: no' });
    tell('task-failed', { uuid: '3', exception: null, queue: null });
    const failed = series().filter((line) => line.startsWith('celery_task_failed_total'));
    expect(failed).toEqual([
      'celery_task_failed_total{exception="ValueError",hostname="pod-1",name="None",queue_name="celery"} 1.0',
      'celery_task_failed_total{exception="UnknownException",hostname="pod-1",name="None",queue_name="celery"} 1.0',
      'celery_task_failed_total{exception="UnknownException",hostname="pod-1",name="None",queue_name="None"} 1.0',
    ]);
  });

  it('belong to the worker that went on with a task when its receipt is told behind its end', () => {
    const { tell, series } = rig();
    tell('task-succeeded', { uuid: '1', runtime: 1 }, 'w@first');
    tell('task-received', { uuid: '1', name: 'add' }, 'w@second');
    expect(series()).toContain('celery_task_received_total{hostname="first",name="add",queue_name="celery"} 1.0');
    expect(series().some((line) => line.includes('second'))).toBe(false);
  });

  it('tell a wait from the ETA, of a client that is told of too late, and of every attempt once', () => {
    const { tell, waits } = rig();
    tell('task-sent', { uuid: '1', name: 'a', queue: 'q', timestamp: 10, eta: '1970-01-01T00:01:40+00:00', retries: 0 }, 'c@web');
    tell('task-started', { uuid: '1', timestamp: 103 });
    tell('task-started', { uuid: '1', timestamp: 170 });
    tell('task-started', { uuid: '2', timestamp: 20 });
    tell('task-sent', { uuid: '2', name: 'a', queue: 'q', timestamp: 20.001, retries: 0 }, 'c@web');
    tell('task-sent', { uuid: '2', name: 'a', queue: 'q', timestamp: 25, retries: 1 }, 'w@pod-1');
    tell('task-retried', { uuid: '2' });
    tell('task-received', { uuid: '2', name: 'a', retries: 1, eta: null });
    tell('task-started', { uuid: '2', timestamp: 26 });
    tell('task-started', { uuid: '3', timestamp: 20 });
    expect(waits).toEqual([
      ['q', 3],
      ['q', 0],
      ['q', 1],
    ]);
  });

  it('count for the only queue of a pool where nobody says which it was', () => {
    const labels: EventLabels = {
      poolOf: (nodename) => (nodename === 'w@pod-1' ? 'mails' : nodename === 'w@pod-2' ? 'many' : undefined),
      onlyQueueOf: (pool) => (pool === 'mails' ? 'emails' : undefined),
      hostnameLabel: 'pool',
    };
    const { tell, counts, series } = rig(labels);
    tell('task-received', { uuid: '1', name: 'a' });
    tell('task-received', { uuid: '2', name: 'a' }, 'w@pod-2');
    tell('task-received', { uuid: '3', name: 'a', queue: 'rare' }, 'w@elsewhere');
    tell('task-succeeded', { uuid: '1', runtime: 0.1 });
    expect([...counts.flow.received]).toEqual([
      ['emails', 1],
      ['unknown', 1],
      ['rare', 1],
    ]);
    expect(counts.flow.completed.get('emails')).toBe(1);
    tell('task-sent', { uuid: '4', name: 'a', queue: 'rare' }, 'gen1@web-7');
    const labelled = series().filter((line) => line.startsWith('celery_task_received_total') && line.endsWith(' 1.0'));
    expect(labelled.map((line) => /hostname="(.*?)"/.exec(line)?.[1])).toEqual(['mails', 'many', 'elsewhere']);
    expect(series()).toContain('celery_task_sent_total{hostname="generic",name="a",queue_name="rare"} 1.0');
  });

  it('make no series beyond the bound, and say how many were left out', () => {
    const { tell, counts, series } = rig(byHost, 100);
    for (let i = 0; i < 1_000; i += 1) tell('task-received', { uuid: `${i}`, name: `evil-${i}` });
    expect(counts.series.size).toBeLessThanOrEqual(100);
    expect(series()).toHaveLength(counts.series.size);
    expect(counts.dropped).toBeGreaterThan(900);
    tell('task-received', { uuid: 'again', name: 'evil-0' });
    expect(series()).toContain('celery_task_received_total{hostname="pod-1",name="evil-0",queue_name="celery"} 2.0');
  });

  it('that are none change nothing', () => {
    const { tell, counts, series } = rig();
    tell('task-received', { name: 'no id' });
    tell('task-received', { uuid: 7 });
    tell('task-received', { uuid: 'x'.repeat(1_000), name: 'a' });
    tell('task-custom', { uuid: '1' });
    tell('constructor', { uuid: '1' });
    tell('worker-heartbeat', { active: 'many' }, 'x'.repeat(1_000));
    expect(series()).toEqual([]);
    expect(counts.dropped).toBe(0);
  });

  it('of a host that is long gone leave no series behind', () => {
    const { tell, counts } = rig();
    tell('worker-heartbeat', { active: 0 });
    tell('task-received', { uuid: '1', name: 'a' });
    tell('task-succeeded', { uuid: '1', runtime: 1 });
    expect(counts.series.size).toBeGreaterThan(20);
    counts.sweep(600_001);
    expect(counts.series.size).toBe(0);
    expect(counts.series.rows.size).toBe(0);
  });
});

describe('a page', () => {
  it('has every metric even while nothing is known, and quotes what labels may hold', () => {
    const { tell, page, series } = rig();
    expect(page().filter((line) => line.startsWith('# TYPE '))).toHaveLength(16);
    tell('task-received', { uuid: '1', name: 'a"b\\c\nd' });
    expect(series()).toContain('celery_task_received_total{hostname="pod-1",name="a\\"b\\\\c\\nd",queue_name="celery"} 1.0');
  });

  it('shows of queues what could be told', () => {
    const { page } = rig();
    const shown = page(new Map([['emails', { length: 3, consumers: null, workers: 1, processes: 4 }]]));
    expect(shown).toContain('celery_queue_length{queue_name="emails"} 3.0');
    expect(shown).toContain('celery_active_process_count{queue_name="emails"} 4.0');
    expect(shown.some((line) => line.startsWith('celery_active_consumer_count{'))).toBe(false);
  });
});
