// `celeriac autoscale` and what talks to it, as a user would type it.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Celery } from '@celeriac/producer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../brokers/free-port.ts';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import { createLedger } from '../ledger/ledger.ts';
import { commandLine } from '../process-table.ts';
import type { SpawnedProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { runCeleriac, startCeleriac } from '../worker-process.ts';
import { ourWorker } from './autoscaler-rig.ts';
import { createGate } from './gate.ts';

const PASSWORD = 'se:cr@t';
let redis: RedisServer;
let folder: string;
let file: string;

const pools = (broker: string): string => `broker: { ${broker} }
pools:
  default:
    queues: [celery, emails]
    slotsPerReplica: 2
    scaling: { max: 2, goal: { queueWait: 2s }, idleToZero: 1s, downDelay: 1s }
    target: { local: { command: ${ourWorker} } }
`;

beforeAll(async () => {
  redis = await startRedis({ requirepass: PASSWORD });
  folder = mkdtempSync(join(tmpdir(), 'celeriac-autoscale-command-'));
  file = join(folder, 'pools.yaml');
  writeFileSync(join(folder, 'broker'), `${redis.url}\n`);
  writeFileSync(file, pools(`urlFile: ${join(folder, 'broker')}`));
});
afterAll(async () => {
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('a running autoscaler', () => {
  let autoscaler: SpawnedProcess;
  let server: string;
  let journal: string;
  beforeAll(async () => {
    const port = await freePort();
    server = `http://127.0.0.1:${port}`;
    journal = join(folder, 'journal.jsonl');
    autoscaler = startCeleriac(['autoscale', '-f', file, '--http', `127.0.0.1:${port}`, '--journal', journal]);
    await autoscaler.line(/autoscaler ready/);
    await until(async () => (await fetch(`${server}/readyz`)).ok, { what: 'readiness' });
  });
  afterAll(async () => {
    await autoscaler?.stop();
  });

  it('shows its pools, explains them, exports them and streams its journal while it works', { timeout: 300_000 }, async () => {
    using ledger = createLedger();
    const celery = new Celery({ broker: redis.url });
    const stream = await fetch(`${server}/api/journal/stream?pool=default`);
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    if (reader === undefined) throw new Error('no stream');
    using gate = createGate();
    const ids = Array.from({ length: 20 }, (_, index) => `t${index}`);
    for (const id of ids) await celery.sendTask('test.work', { args: [ledger.path, id, 200, gate.path], queue: 'emails' });

    let streamed = '';
    while (!/event: decision\ndata: .*"kind":"scale"/.test(streamed)) streamed += (await reader.read()).value ?? '';
    await reader.cancel();
    await until(async () => (await runCeleriac(['pools', '--server', server, '--output', 'json'])).stdout.includes('"replicas": 2'), {
      timeoutMs: 90_000,
    });
    const table = (await runCeleriac(['pools', '--server', server])).stdout;
    expect(table).toMatch(
      /^POOL\s+REPLICAS\s+WANTED\s+BOUNDS\s+STUCK\s+WAITING\s+RUNNING\s+MODE\s+REASON\s+NOTES\ndefault\s+2\s+2\s+0-2\s+0\s+\d+\s+\d\s+on\s+\w+/,
    );
    const why = await runCeleriac(['explain', 'default', '--server', server]);
    expect(why.stdout).toMatch(/why this number now\n {2}\d ready .*\n {2}waiting: celery 0, emails \d+; /);
    expect(why.stdout).toMatch(/what would change it\n {2}\S/);
    const metrics = await (await fetch(`${server}/metrics`)).text();
    expect(metrics).toMatch(
      /celeriac_scaler_metrics_value\{namespace="local",metric="s1-redis-emails",scaledObject="default",scaler="redisScaler",triggerIndex="1",type="scaledobject"\} \d+/,
    );
    expect(metrics).toMatch(/celeriac_decision_replicas\{pool="default",stage="applied"\} [12]/);
    expect(metrics).toContain('celeriac_build_info{');
    gate.open();
    await ledger.allEnded(ids, 60_000);
    await until(async () => /\n?default\s+0\s+0/.test((await runCeleriac(['pools', '--server', server])).stdout), { timeoutMs: 90_000 });
    await celery.close();
  });

  it('answers 404 for a pool it does not have, and 405 for a write', async () => {
    expect((await fetch(`${server}/api/pools/nope/explain`)).status).toBe(404);
    expect((await fetch(`${server}/api/pools`, { method: 'POST' })).status).toBe(405);
    const why = await runCeleriac(['explain', 'nope', '--server', server]);
    expect([why.code, why.output]).toEqual([78, expect.stringContaining('no pool nope')]);
  });

  it('ends with 0, and its journal replays to the same answers', { timeout: 240_000 }, async () => {
    expect((await autoscaler.stop(60_000)).code).toBe(0);
    const same = await runCeleriac(['replay', journal]);
    expect([same.code, same.stdout]).toEqual([0, expect.stringMatching(/^[1-9]\d* records, 0 decided differently\n$/)]);
    const lines = readFileSync(journal, 'utf8').split('\n');
    expect(lines.some((line) => line.includes('"type":"scale-in"'))).toBe(true);
    const changed = join(folder, 'changed.jsonl');
    writeFileSync(changed, lines.map((line) => line.replace('"max":2', '"max":1')).join('\n'));
    const other = await runCeleriac(['replay', changed]);
    expect(other.code).toBe(1);
    expect(other.stdout).toMatch(/line \d+, pool default: decision\./);
    const old = join(folder, 'old.jsonl');
    writeFileSync(old, lines.map((line) => line.replace('{"v":2,', '{"v":1,')).join('\n'));
    const refused = await runCeleriac(['replay', old]);
    expect([refused.code, refused.output]).toEqual([
      78,
      expect.stringMatching(/old\.jsonl line 1: a journal of version 1, which does not say what was ordered/),
    ]);
  });

  it('never wrote the password anywhere', () => {
    for (const text of [autoscaler.output(), readFileSync(journal, 'utf8')]) {
      expect(text).not.toContain(PASSWORD);
      expect(text).not.toContain(encodeURIComponent(PASSWORD));
    }
  });
});

describe('the command line', () => {
  it('decides and records but starts nothing in a dry run', { timeout: 240_000 }, async () => {
    const celery = new Celery({ broker: redis.url });
    const journal = join(folder, 'dry.jsonl');
    const autoscaler = startCeleriac(['autoscale', '-f', file, '--http', 'off', '--dry-run', '--journal', journal]);
    try {
      await autoscaler.line(/autoscaler ready/);
      await celery.sendTask('test.work', { queue: 'emails' });
      await until(() => /"kind":"scale","apply":false/.test(readFileSync(journal, 'utf8')), { what: 'the decision' });
      expect(autoscaler.descendants().filter((row) => !commandLine(row.pid).includes('orphan-guard'))).toEqual([]);
    } finally {
      await autoscaler.stop();
      await celery.close();
    }
  });

  it('refuses a wrong file with the line and the nearest key', async () => {
    const wrong = join(folder, 'wrong.yaml');
    writeFileSync(wrong, pools('url: redis://h').replace('idleToZero', 'idleToZreo'));
    const { code, output } = await runCeleriac(['autoscale', '-f', wrong]);
    expect([code, output]).toEqual([
      78,
      expect.stringMatching(/wrong\.yaml: line 6: pools\.default\.scaling\.idleToZreo: unknown key; did you mean idleToZero\?/),
    ]);
  });

  it('ends with a clear error for pools it cannot run and an address it cannot have', { timeout: 240_000 }, async () => {
    const deployment = join(folder, 'deployment.yaml');
    const placeholder = join(folder, 'placeholder.yaml');
    const kubeconfig = join(folder, 'no-kubeconfig');
    writeFileSync(
      deployment,
      `broker: { url: "${redis.url}" }\nkubernetes: { kubeconfig: ${kubeconfig} }\npools: { p: { queues: [q], target: { deployment: { name: w } } } }\n`,
    );
    writeFileSync(
      placeholder,
      `broker: { url: "${redis.url}" }\npools: { p: { queues: [q], target: { local: { command: [x, "{queue}"] } } } }\n`,
    );
    const ends = async (...args: readonly string[]) => {
      const { code, output } = await runCeleriac(['autoscale', ...args], { timeoutMs: 60_000 });
      return [code, output] as const;
    };
    const free = `127.0.0.1:${await freePort()}`;
    expect(await ends('-f', deployment, '--http', free)).toEqual([78, expect.stringContaining(kubeconfig)]);
    expect(await ends('-f', placeholder, '--http', free)).toEqual([78, expect.stringContaining('{queue}; known are {queues}')]);
    expect(await ends('-f', file, '--http', `127.0.0.1:${redis.port}`)).toEqual([78, expect.stringContaining('cannot listen on')]);
    expect(await ends('-f', file, '--http', 'off', '--journal', join(folder, 'no/such/folder'))).toEqual([
      78,
      expect.stringContaining('the journal cannot be written'),
    ]);
  });

  it('prints the JSON Schema of the file', async () => {
    const { code, stdout } = await runCeleriac(['autoscale', '--print-schema']);
    const schema = JSON.parse(stdout) as { properties: { pools: { additionalProperties: { properties: object } } } };
    expect(code).toBe(0);
    expect(Object.keys(schema.properties.pools.additionalProperties.properties)).toEqual([
      'queues',
      'slotsPerReplica',
      'size',
      'budget',
      'scaling',
      'target',
    ]);
  });

  it('says that no autoscaler is there', async () => {
    const { code, output } = await runCeleriac(['pools', '--server', `http://127.0.0.1:${await freePort()}`]);
    expect([code, output]).toEqual([69, expect.stringContaining('no autoscaler answers at')]);
  });
});
