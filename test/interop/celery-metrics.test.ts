// Our `celery_*` beside a real celery-exporter's, from the same events of Python and Node workers.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../brokers/free-port.ts';
import { type CeleryExporter, startCeleryExporter } from '../python/celery-exporter.ts';
import { basicApp, type CeleryWorker, startCeleryWorker } from '../python/celery-worker.ts';
import { type PythonResponder, startPythonResponder } from '../python/script.ts';
import { pythonPeer } from '../python/venv.ts';
import type { SpawnedProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { startCeleriac, startWorkerProcess } from '../worker-process.ts';
import { type BrokerRig, openBroker } from './broker-rig.ts';
import { type MetricsPage, readMetricsPage, seriesOf, sumOf } from './metrics-page.ts';

const TASKS = resolve(import.meta.dirname, 'celery-metrics-tasks.ts');
const QUEUES = ['py-a', 'py-b', 'node-a', 'node-b'];
const WORKERS = { py: 'py@py-host', node: 'ours@node-host' } as const;
const CLIENT_HOST = hostname();

/** Moments of creation, which its library writes for every series and nothing reads. */
const CREATED = /_created\{/;
/** Newer versions than the one that is run here have it; its label sets are those of the run time. */
const WAIT = /^celery_task_queue_wait_time/;

const app = (rig: BrokerRig): string =>
  basicApp({
    broker: rig.broker,
    backend: rig.backend,
    body: `
from celery.exceptions import Reject
from kombu import Exchange, Queue
app.conf.task_queues = [Queue('py-b', Exchange('py-b'), routing_key='py-b', queue_arguments={'x-max-priority': 10})]
app.conf.task_send_sent_event = True

@app.task(name='tasks.refuse', acks_late=True)
def refuse():
    raise Reject('not this one', requeue=False)
`,
  });

const CLIENT = `
from app import app

def handle(request):
    if request['op'] == 'revoke':
        app.control.revoke(request['id'])
        return None
    if request['op'] in ('cancel_consumer', 'add_consumer'):
        one = {'destination': [request['worker']], 'reply': True, 'timeout': 60}
        return getattr(app.control, request['op'])(request['queue'], **one)
    name, args, options = request['name'], request['args'], request['options']
    return app.send_task(name, args, **options).id
`;

for (const kind of ['redis', 'rabbitmq'] as const) {
  describe(`beside celery-exporter over ${kind}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'celeriac-celery-metrics-'));
    const pools = join(folder, 'pools.yaml');
    let rig: BrokerRig;
    let exporter: CeleryExporter;
    let autoscaler: SpawnedProcess;
    let python: CeleryWorker;
    let node: SpawnedProcess;
    let client: PythonResponder;
    let ours: string;
    let main: string;

    const send = (name: string, args: readonly unknown[], options: Record<string, unknown>): Promise<unknown> =>
      client.ask({ op: 'send', name, args, options });
    const pages = async (): Promise<readonly [theirs: MetricsPage, ours: MetricsPage]> =>
      Promise.all([readMetricsPage(`${exporter.url}/metrics`), readMetricsPage(ours)]);
    const everyQueue = async (op: 'cancel_consumer' | 'add_consumer'): Promise<void> => {
      for (const [at, worker] of Object.entries(WORKERS)) {
        for (const queue of QUEUES.filter((name) => name.startsWith(at))) {
          expect(await client.ask({ op, queue, worker })).toMatchObject([{ [worker]: { ok: expect.anything() } }]);
        }
      }
    };
    /** The pages when both say the same, or what they say when time is up: the exporter gives its workers a second to answer. */
    const settledPages = async (
      isDone: (...both: Awaited<ReturnType<typeof pages>>) => boolean,
      except: RegExp,
    ): ReturnType<typeof pages> => {
      let both = await pages();
      const isSame = (): boolean => {
        const [theirs, own] = both.map((page) => JSON.stringify(seriesOf(page, except)));
        return theirs === own;
      };
      await until(
        async () => {
          if (isDone(...both) && isSame()) return true;
          both = await pages();
          return false;
        },
        { timeoutMs: 90_000, everyMs: 500 },
      ).catch(() => {});
      return both;
    };

    beforeAll(async () => {
      rig = await openBroker(kind);
      writeFileSync(
        pools,
        `pools: { all: { queues: [${QUEUES.join(', ')}], scaling: { mode: off }, target: { local: { command: [celeriac, worker] } } } }`,
      );
      const port = await freePort();
      const httpPort = await freePort();
      ours = `http://127.0.0.1:${port}/metrics`;
      main = `http://127.0.0.1:${httpPort}/metrics`;
      const args = ['--http', `127.0.0.1:${httpPort}`, '--celery-metrics', `127.0.0.1:${port}`];
      autoscaler = startCeleriac(['autoscale', '-f', pools, '-b', rig.broker, ...args]);
      [exporter, python, node] = await Promise.all([
        startCeleryExporter(await pythonPeer('exporter'), rig.broker, ['-Q', QUEUES.join(',')]),
        startCeleryWorker({ app: app(rig), queues: ['py-a', 'py-b'], concurrency: 2, args: ['-n', WORKERS.py] }),
        startWorkerProcess({
          tasks: TASKS,
          broker: rig.broker,
          backend: rig.backend,
          queues: ['node-a', 'node-b'],
          name: WORKERS.node,
          args: ['-E'],
        }),
        autoscaler.line(/autoscaler ready/, 120_000),
      ]);
      client = await startPythonResponder(CLIENT, { cwd: python.dir });
      await until(
        async () =>
          (await pages()).every(
            (page) =>
              sumOf(page, 'celery_worker_up', { hostname: 'py-host' }) + sumOf(page, 'celery_worker_up', { hostname: 'node-host' }) === 2,
          ),
        { timeoutMs: 90_000, everyMs: 500, what: 'both workers on both pages' },
      );
    }, 300_000);

    afterAll(async () => {
      await client?.stop();
      await Promise.all([node?.stop(), python?.stop(), autoscaler?.stop(), exporter?.stop()]);
      await rig?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    it('has the same names, labels and values for tasks that succeed, fail, retry, are revoked and rejected', async () => {
      // nothing is taken before it has been heard that it was sent: these are two connections
      await everyQueue('cancel_consumer');
      for (const at of Object.keys(WORKERS)) {
        const [a, b] = [`${at}-a`, `${at}-b`];
        for (let i = 0; i < 5; i += 1) await send('tasks.add', [i, 1], { queue: a });
        for (let i = 0; i < 3; i += 1) await send('tasks.add', [i, 1], { queue: b, priority: i });
        await send('tasks.fail', ['no'], { queue: a });
        await send('tasks.fail', ['no'], { queue: b });
        await send('tasks.flaky', [2], { queue: a });
        await send('tasks.refuse', [], { queue: a });
        const id = `00000000-0000-4000-8000-00000000000${at === 'py' ? 1 : 2}`;
        await client.ask({ op: 'revoke', id });
        await send('tasks.add', [1, 1], { queue: a, task_id: id });
      }
      const sent = 2 * 13;
      await until(async () => (await pages()).every((page) => sumOf(page, 'celery_task_sent_total') === sent), {
        timeoutMs: 90_000,
        everyMs: 500,
        what: 'all that was sent on both pages',
      });
      await everyQueue('add_consumer');
      const except = new RegExp(`${CREATED.source}|${WAIT.source}|_sum\\{`);
      const ends = 2 * (9 + 3 + 1 + 1);
      const [theirs, own] = await settledPages((...both) => both.every((page) => endsOn(page) === ends) && isQuiet(both), except);
      expect([theirs, own].map(endsOn)).toEqual([ends, ends]);
      expect(isQuiet([theirs, own])).toBe(true);

      const wanted = seriesOf(theirs, CREATED);
      const got = seriesOf(own, WAIT);
      expect(Object.keys(got)).toEqual(Object.keys(wanted));
      const isSum = (name: string): boolean => /_sum\{/.test(name);
      expect(withoutSums(got)).toEqual(withoutSums(wanted));
      for (const name of Object.keys(wanted).filter(isSum)) expect(Number(got[name]), name).toBeCloseTo(Number(wanted[name]), 9);
      expect(own.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(theirs.contentType).toBe(own.contentType);
      for (const head of theirs.heads) if (!/_created /.test(head)) expect(own.heads).toContain(head);

      // And it is what was done.
      for (const [host, exception] of [
        ['py-host', 'ValueError'],
        ['node-host', 'ValueError'],
      ] as const) {
        const queue = host.replace('host', 'a');
        expect(sumOf(own, 'celery_task_succeeded_total', { hostname: host, name: 'tasks.add' })).toBe(8);
        expect(sumOf(own, 'celery_task_failed_total', { hostname: host, exception })).toBe(2);
        expect(sumOf(own, 'celery_task_failed_total', { hostname: host })).toBe(3);
        expect(sumOf(own, 'celery_task_retried_total', { hostname: host })).toBe(2);
        expect(sumOf(own, 'celery_task_revoked_total', { hostname: host })).toBe(1);
        expect(sumOf(own, 'celery_task_rejected_total', { hostname: host })).toBe(1);
        expect(sumOf(own, 'celery_task_runtime_count', { hostname: host })).toBe(9);
        expect(sumOf(own, 'celery_task_runtime_bucket', { hostname: host, le: '10.0', name: 'tasks.add' })).toBe(8);
        // Of what is sent again by a worker its events may come too late.
        for (const name of ['tasks.add', 'tasks.fail', 'tasks.refuse']) {
          const started = sumOf(own, 'celery_task_started_total', { hostname: host, name });
          expect(sumOf(own, 'celery_task_queue_wait_time_count', { hostname: host, name }), name).toBe(started);
        }
        expect(sumOf(own, 'celery_task_queue_wait_time_count', { hostname: host, name: 'tasks.flaky' })).toBeGreaterThan(0);
        expect(sumOf(own, 'celery_active_worker_count', { queue_name: queue })).toBe(1);
        expect(sumOf(own, 'celery_active_process_count', { queue_name: queue })).toBe(2);
      }
      expect(sumOf(own, 'celery_task_sent_total', { hostname: CLIENT_HOST, queue_name: 'node-b' })).toBe(4);
      // Workers of ours say which queue a task came from, whether or not its client did, and when.
      expect(sumOf(own, 'celery_task_received_total', { hostname: 'node-host', queue_name: 'node-b' })).toBe(4);
      expect([...own.series.keys()].some((name) => name.startsWith('celery_active_consumer_count'))).toBe(kind === 'rabbitmq');

      const flow = await readMetricsPage(main);
      expect(sumOf(flow, 'celeriac_queue_completed_total', { queue: 'node-b' })).toBe(4);
      expect(sumOf(flow, 'celeriac_queue_received_total', { queue: 'node-b' })).toBe(4);
      // What Python's client says may come behind what its worker says: then it is not known which queue it was.
      expect(sumOf(flow, 'celeriac_queue_received_total')).toBe(sumOf(own, 'celery_task_received_total'));
      expect(sumOf(flow, 'celeriac_queue_wait_seconds_count', { queue: 'py-b' })).toBe(4);
      expect(sumOf(flow, 'celeriac_events_dropped_total')).toBe(0);
    });

    it('differs where it is meant to: depth over all priorities, and workers that said goodbye', async () => {
      await Promise.all([python.process.stop(60_000), node.stop(60_000)]);
      await send('tasks.add', [1, 1], { queue: 'py-b' });
      for (const priority of [3, 6, 9]) await send('tasks.add', [1, 1], { queue: 'py-b', priority });
      const gone = /^celery_worker_(up|tasks_active)\{/;
      const ofGone = (page: MetricsPage): readonly (readonly [string, string])[] => [...page.series].filter(([name]) => gone.test(name));
      const waiting = (page: MetricsPage): number => sumOf(page, 'celery_queue_length', { queue_name: 'py-b' });
      const workersOf = (page: MetricsPage): string | undefined => page.series.get('celery_active_worker_count{queue_name="py-b"}');
      const except = new RegExp(`${CREATED.source}|${WAIT.source}|${gone.source}|^celery_queue_length\\{queue_name="py-b"|_sum\\{`);
      const [theirs, own] = await settledPages(
        (first, second) =>
          waiting(second) === 4 &&
          workersOf(second) === '0.0' &&
          ofGone(second).length === 0 &&
          ofGone(first).every(([, value]) => value === '0.0'),
        except,
      );
      expect(waiting(own)).toBe(4);
      expect(workersOf(own)).toBe('0.0');
      expect(waiting(theirs)).toBe(kind === 'redis' ? 1 : 4);
      expect(ofGone(theirs).map(([, value]) => value)).toEqual(['0.0', '0.0', '0.0', '0.0']);
      expect(ofGone(own)).toEqual([]);
      // Nothing else does.
      expect(seriesOf(own, except)).toEqual(seriesOf(theirs, except));
    });
  });
}

function endsOn(page: MetricsPage): number {
  return ['succeeded', 'failed', 'revoked', 'rejected'].reduce((sum, end) => sum + sumOf(page, `celery_task_${end}_total`), 0);
}

/** Heartbeats have said that nothing runs any more. */
function isQuiet(both: readonly MetricsPage[]): boolean {
  return both.every((page) => sumOf(page, 'celery_worker_tasks_active') === 0);
}

function withoutSums(series: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(series).filter(([name]) => !/_sum\{/.test(name)));
}
