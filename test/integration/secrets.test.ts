// A password that must turn up nowhere: not in what commands print, not in events or answers, not in what other users of the machine see.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createControlClient, createTransport, type Transport } from '@celeriac/brokers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../brokers/free-port.ts';
import { startRabbitmq } from '../brokers/rabbitmq.ts';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import type { SpawnedProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { runCeleriac, startCeleriac } from '../worker-process.ts';
import { ourWorker } from './autoscaler-rig.ts';
import { BASICS } from './worker-rig.ts';

const CANARY = 'cAn@ry/8:4?f#1%z';
const WRONG = 'wR0ng@ry/8:4?f#1%z';
/** What must not be seen: both passwords, plain, encoded, and the parts that stand between what URLs are cut at. */
const SECRETS = [CANARY, WRONG].flatMap((secret) => [secret, encodeURIComponent(secret), secret.slice(0, 6), secret.slice(-5)]);

function expectClean(what: string, text: string): void {
  for (const secret of SECRETS) expect(text.includes(secret), `${what} holds ${secret}:\n${text.slice(0, 3_000)}`).toBe(false);
}

/** What the system tells of a process; nothing once it has ended. */
function told(pid: number, what: 'cmdline' | 'environ'): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'utf8');
  } catch {
    return '';
  }
}

/** What the system tells everybody about a process and all below it. */
function expectCleanProcesses(worker: SpawnedProcess): void {
  const pids = worker.descendants().map(({ pid }) => pid);
  expect(pids.length).toBeGreaterThan(1);
  let seen = 0;
  for (const pid of [worker.pid, ...pids]) expectClean(`the command line of ${pid}`, told(pid, 'cmdline'));
  for (const pid of pids) {
    if (/main\.ts/.test(told(pid, 'cmdline'))) continue; // a worker that an autoscaler started: it must know
    const environment = told(pid, 'environ');
    if (environment.includes('PATH=')) seen += 1;
    expectClean(`the environment of ${pid}`, environment);
  }
  expect(seen).toBeGreaterThan(0);
}

let redis: RedisServer;
let folder: string;
beforeAll(async () => {
  redis = await startRedis({ requirepass: CANARY });
  folder = mkdtempSync(join(tmpdir(), 'celeriac-secrets-'));
});
afterAll(async () => {
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const environment = (broker: string, backend: string = broker) => ({ CELERY_BROKER_URL: broker, CELERY_RESULT_BACKEND: backend });
const withPassword = (url: string, password: string): string => {
  const changed = new URL(url);
  changed.password = '';
  return changed.href.replace('://', `://:${encodeURIComponent(password)}@`);
};

describe('a worker with a password in its environment', () => {
  let worker: SpawnedProcess;
  let transport: Transport;
  const heard: string[] = [];
  beforeAll(async () => {
    transport = await createTransport({ url: redis.url });
    await transport.bus.subscribe({ exchange: 'celeryev', type: 'topic', binding: '#', queue: 'listener' }, ({ message }) => {
      heard.push(Buffer.from(message.body).toString());
    });
    const env = environment(redis.database(0), redis.database(1));
    worker = startCeleriac(['worker', '-A', BASICS, '-c', '2', '-E', '-l', 'debug', '-n', 'w@secrets'], { env });
    await worker.line(/\bready\b/);
  });
  afterAll(async () => {
    await worker?.stop();
    await transport?.close();
  });

  it('keeps it from its children, its command line, its events and its answers', { timeout: 180_000 }, async () => {
    const env = environment(redis.database(0), redis.database(1));
    const calls = [
      ['tasks.add', '[1, 2]', 0],
      ['tasks.fail', '["no"]', 1],
    ] as const;
    for (const [name, args, code] of calls) {
      const end = await runCeleriac(['call', name, '--args', args, '--wait', '50'], { env });
      expect(end.code, end.output).toBe(code);
      expectClean(`celeriac call ${name}`, end.output);
    }
    expectCleanProcesses(worker);
    const client = createControlClient({ bus: transport.bus });
    for (const method of ['stats', 'conf', 'report', 'active_queues', 'registered', 'hello', 'query_task', 'clock']) {
      const answers = await client.request(method, {}, { destination: ['w@secrets'], timeoutMs: 30_000 });
      expect(answers.size, method).toBe(1);
      expectClean(`inspect ${method}`, JSON.stringify([...answers]));
    }
    await until(() => heard.some((event) => event.includes('task-failed')), { what: 'events of tasks' });
    expectClean('the events', heard.join('\n'));
    expectClean('the output', worker.output());
  });

  it('says nothing of it while the broker is away, and when it is back', { timeout: 180_000 }, async () => {
    await redis.restart();
    await until(() => /lost|again|reached/.test(worker.output()), { what: 'a complaint' });
    const { code, output } = await runCeleriac(['call', 'tasks.add', '--args', '[1, 2]', '--wait', '50'], {
      env: environment(redis.database(0), redis.database(1)),
    });
    expect(code, output).toBe(0);
    expectClean('celeriac call', output);
    expectClean('the output', worker.output());
  });
});

describe.each(['redis', 'rabbitmq'] as const)('a refused login on %s', (kind) => {
  it('is told without the password', { timeout: 180_000 }, async () => {
    const rabbitmq = kind === 'rabbitmq' ? await startRabbitmq() : undefined;
    const url =
      rabbitmq === undefined ? withPassword(redis.url, WRONG) : `amqp://guest:${encodeURIComponent(WRONG)}@127.0.0.1:${rabbitmq.port}//`;
    const env = environment(url, withPassword(redis.url, WRONG));
    const worker = startCeleriac(['worker', '-A', BASICS, '-c', '1', '-l', 'debug'], { env });
    await worker.line(/trying|refused|WRONGPASS|ACCESS|not there/i);
    const commands = [
      ['call', 'tasks.add', '--args', '[1, 2]'],
      ['quarantine', 'list', '-Q', 'celery'],
    ];
    const runs = await Promise.all(commands.map((command) => runCeleriac(command, { env })));
    for (const [index, { code, output }] of runs.entries()) {
      expect(code, output).not.toBe(0);
      expectClean(String(commands[index]), output);
    }
    await worker.stop();
    expectClean('the worker', worker.output());
    await rabbitmq?.stop();
  });
});

it('URLs that cannot be used are told without their passwords', { timeout: 240_000 }, async () => {
  const encoded = encodeURIComponent(CANARY);
  const urls = [
    `redis://:${CANARY}@127.0.0.1:6379/0`,
    `redis://:${encoded}@127.0.0.1:99999/0`,
    `redis://:${encoded}@127.0.0.1:6379/zero`,
    `redis://user:${encoded}@[::1/0`,
    `gopher://:${encoded}@127.0.0.1/0`,
    `sentinel://:${encoded}@127.0.0.1`,
    `rediss://:${encoded}@127.0.0.1/0?ssl_cert_reqs=bogus&password=${encoded}`,
  ];
  const runs = await Promise.all(urls.map((url) => runCeleriac(['call', 'tasks.add'], { env: environment(url) })));
  for (const [index, { code, output }] of runs.entries()) {
    expect(code, output).not.toBe(0);
    expect(output).not.toBe('');
    expectClean(`celeriac call with ${urls[index]}`, output);
  }
});

it('an autoscaler and the workers that it starts', { timeout: 180_000 }, async () => {
  const file = join(folder, 'pools.yaml');
  const journal = join(folder, 'journal.jsonl');
  writeFileSync(
    file,
    `pools:
  default:
    queues: [celery]
    slotsPerReplica: 1
    scaling: { min: 1, max: 1 }
    target: { local: { command: ${ourWorker} } }
`,
  );
  const port = await freePort();
  const env = environment(redis.database(0), redis.database(1));
  const autoscaler = startCeleriac(['autoscale', '-f', file, '--http', `127.0.0.1:${port}`, '--journal', journal, '-l', 'debug'], { env });
  try {
    await autoscaler.line(/w(?:orker)?.*ready\.|takes tasks|@.* ready/, 30_000);
    await until(() => autoscaler.descendants().length >= 3, { what: 'a replica with its children' });
    expectCleanProcesses(autoscaler);
    for (const path of ['metrics', 'pools', 'readyz', 'journal?limit=10']) {
      const answer = await fetch(`http://127.0.0.1:${port}/${path}`, { signal: AbortSignal.timeout(500) }).then(
        (response) => response.text(),
        () => '',
      );
      expectClean(path, answer);
    }
  } finally {
    await autoscaler.stop();
  }
  expectClean('the autoscaler', autoscaler.output());
  for (const name of readdirSync(folder)) expectClean(name, readFileSync(join(folder, name), 'utf8'));
});
