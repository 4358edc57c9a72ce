// A real Python Celery program calls tasks that a `celeriac worker` runs.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PythonPeerName, pythonPeer } from '../python/venv.ts';
import { type SpawnedProcess, spawnProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { startWorkerProcess } from '../worker-process.ts';
import { type BrokerKind, type BrokerRig, openBroker } from './broker-rig.ts';
import { type PythonClient, startPythonClient } from './python-client.ts';

const TASKS = ['../../examples/basics/tasks.ts', 'held-tasks.ts'].map((file) => resolve(import.meta.dirname, file)).join(',');
const NODE = `interop@${hostname()}`;

const VALUES = [
  "'Ünïcödé \\u2603 \\U0001f600'",
  '[1, -1, 2**53 + 1, -(2**63), 2**200, 0, True, None]',
  '[1.5, -0.25, 1e300, float("nan"), float("inf"), float("-inf")]',
  'datetime.datetime(2026, 11, 21, 10, 30, 15, 123456, tzinfo=datetime.timezone.utc)',
  'datetime.datetime(2026, 11, 21, 10, 30, 15, 654321)',
  'datetime.date(2026, 11, 21)',
  'datetime.time(10, 30, 15, 42)',
  "decimal.Decimal('1234567890.0987654321')",
  "uuid.UUID('12345678-1234-5678-1234-567812345678')",
  "b'plain text'",
  "b'\\x00\\xff\\xfe'",
  "{'nested': [{'when': datetime.date(2000, 2, 29), 'how much': decimal.Decimal('0.10')}], '__proto__': 1}",
];

/** The suite for one version of Celery over one kind of broker. */
export function pythonCallsUs(peer: PythonPeerName, kind: BrokerKind): void {
  describe(`${peer} calls a celeriac worker over ${kind}`, () => {
    let rig: BrokerRig;
    let worker: SpawnedProcess;
    let python: PythonClient;
    const folder = mkdtempSync(join(tmpdir(), 'celeriac-interop-'));

    beforeAll(async () => {
      rig = await openBroker(kind);
      worker = await startWorkerProcess({
        tasks: TASKS,
        broker: rig.broker,
        backend: rig.backend,
        concurrency: 2,
        name: NODE,
        args: ['-E'],
      });
      python = await startPythonClient(peer, rig);
    });

    afterAll(async () => {
      await python?.[Symbol.asyncDispose]();
      await worker?.stop();
      await rig?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    test('positional and keyword arguments, and the result', async () => {
      expect(await python.call('tasks.add', { args: [2, 3] })).toEqual({ value: 5 });
      expect(await python.call('tasks.add', { args: [2], kwargs: { y: 3 } })).toEqual({ value: 5 });
      expect(await python.call('tasks.add', { kwargs: { x: 2, y: 3 } })).toEqual({ value: 5 });
    });

    test.each(VALUES)('%s comes back as the same type and value', async (expression) => {
      const echoed = await python.echo(expression);
      expect(echoed, `${echoed.sent} came back as ${echoed.got}`).toMatchObject({ same: true });
    });

    test('errors are raised again in Python by their class', async () => {
      expect(await python.call('tasks.fail', { args: ['boom'] })).toMatchObject({ error: 'Exception', args: ['boom'], state: 'FAILURE' });
      expect(await python.call('tasks.add', { args: [1] })).toMatchObject({
        error: 'TypeError',
        module: 'builtins',
        args: [expect.stringMatching(/missing 1 required positional argument: 'y'/)],
      });
      expect(await python.call('tasks.nowhere')).toMatchObject({ error: 'NotRegistered', module: 'celery.exceptions' });
    });

    test('a task that retries succeeds in the end', async () => {
      expect(await python.call('tasks.flaky', { args: [2] })).toMatchObject({ value: expect.anything() });
    });

    test('a task with a countdown does not run early', async () => {
      const path = join(folder, 'countdown.txt');
      const sentAt = Date.now();
      const ended = await python.call('tasks.append', { args: [path, 'late'], options: { countdown: 3 } });
      expect(ended).not.toHaveProperty('error');
      expect(Date.now() - sentAt).toBeGreaterThanOrEqual(2_950);
      expect(readFileSync(path, 'utf8')).toBe('late\n');
    });

    test('a task that has expired is revoked, not run', async () => {
      const path = join(folder, 'expired.txt');
      const ended = await python.call('tasks.append', { args: [path, 'never'], options: { countdown: 2, expires: 1 } });
      expect(ended).toMatchObject({ error: 'TaskRevokedError', state: 'REVOKED' });
      expect(() => readFileSync(path)).toThrow();
    });

    test('the worker answers status and inspect', async () => {
      const stats = (await python.inspect('stats')) as Record<
        string,
        { pool: { 'max-concurrency': number; processes: number[] }; pid: number }
      >;
      expect(stats[NODE]).toMatchObject({
        pid: worker.pid,
        pool: { 'max-concurrency': 2, processes: [expect.any(Number), expect.any(Number)] },
      });
      const registered = (await python.inspect('registered')) as Record<string, string[]>;
      expect(registered[NODE]).toEqual(expect.arrayContaining(['tasks.add', 'tasks.echo', 'tasks.sleep']));
      const queues = (await python.inspect('active_queues')) as Record<string, { name: string }[]>;
      expect(queues[NODE]?.map((queue) => queue.name)).toEqual(['celery']);
      const end = join(folder, 'end');
      const held = await python.send('tasks.hold', { args: [end] });
      await until(
        async () => {
          const active = (await python.inspect('active')) as Record<string, { id: string; acknowledged: boolean }[]> | null;
          return active?.[NODE]?.some((task) => task.id === held) === true;
        },
        { what: 'the running task in inspect active', timeoutMs: 60_000 },
      );
      writeFileSync(end, '');
      expect(await python.get(held)).toEqual({ value: end });
      const { bin, env } = await pythonPeer(peer);
      const status = spawnProcess(bin('celery'), ['-b', rig.broker, 'status', '--destination', NODE, '--timeout', '60'], {
        env,
        cwd: folder,
      });
      await status.ended;
      expect(status.output()).toContain(`${NODE}: OK`);
    });

    test('celery events --dump sees its tasks and its heartbeat', async () => {
      const { bin, env } = await pythonPeer(peer);
      const dump = spawnProcess(bin('celery'), ['-b', rig.broker, 'events', '--dump'], { env, cwd: folder });
      try {
        await dump.line(/heartbeat/, 60_000);
        const id = await python.send('tasks.add', { args: [20, 22] });
        await dump.line(new RegExp(`task received: .*${id}`), 60_000);
        await dump.line(new RegExp(`task succeeded: .*${id}`), 60_000);
      } finally {
        await dump.kill();
      }
    });
  });
}
