// `celeriac autoscale` with a broker URL in a mounted Secret that is rotated: its workers get the new one, and nobody gets to see either.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Celery } from '@celeriac/producer';
import { expect, it } from 'vitest';
import { freePort } from '../brokers/free-port.ts';
import { startRedis } from '../brokers/redis.ts';
import { createLedger } from '../ledger/ledger.ts';
import { spawnProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { startCeleriac } from '../worker-process.ts';
import { ourWorker } from './autoscaler-rig.ts';

const OLD = 'cAn@ry/old:4?f#1%z';
const NEW = 'kEn@ry/new:7?g#2%y';
const SECRETS = [OLD, NEW].flatMap((secret) => [secret, encodeURIComponent(secret), secret.slice(0, 6), secret.slice(-5)]);

it('goes on over a rotated Secret, and workers that start later know the new password', { timeout: 300_000 }, async () => {
  await using redis = await startRedis();
  using ledger = createLedger();
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-rotation-'));
  const cli = async (...args: readonly string[]): Promise<void> => {
    const run = spawnProcess('redis-cli', ['-p', String(redis.port), ...args]);
    expect((await run.ended).code, run.output()).toBe(0);
  };
  const setPassword = (password: string): Promise<void> =>
    cli('ACL', 'SETUSER', 'scaler', 'on', 'resetpass', `>${password}`, '~*', '&*', '+@all');
  const mount = (version: number, password: string): void => {
    const payload = join(folder, `..${version}`);
    mkdirSync(payload);
    writeFileSync(join(payload, 'url'), `redis://scaler:${encodeURIComponent(password)}@127.0.0.1:${redis.port}/0`);
    symlinkSync(`..${version}`, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    if (version === 1) symlinkSync('..data/url', join(folder, 'url'));
  };
  await setPassword(OLD);
  mount(1, OLD);
  const file = join(folder, 'pools.yaml');
  writeFileSync(
    file,
    `broker: { urlFile: ${join(folder, 'url')} }
pools:
  default:
    queues: [celery]
    slotsPerReplica: 1
    scaling: { max: 1, idleToZero: 500ms, downDelay: 500ms }
    target: { local: { command: ${ourWorker} } }
`,
  );
  const port = await freePort();
  const journal = join(folder, 'journal.jsonl');
  const env = { CELERY_BROKER_URL: undefined, CELERY_RESULT_BACKEND: undefined };
  await using autoscaler = startCeleriac(['autoscale', '-f', file, '--http', `127.0.0.1:${port}`, '--journal', journal, '-l', 'debug'], {
    env,
  });
  const celery = new Celery({ broker: redis.url });
  const answers: string[] = [];
  try {
    await autoscaler.line(/autoscaler ready/);
    await celery.sendTask('test.work', { args: [ledger.path, 'a', 200] });
    await ledger.allEnded(['a'], 60_000);
    await until(() => autoscaler.descendants().length <= 1, { timeoutMs: 60_000, what: 'the pool at zero' });

    await setPassword(NEW);
    mount(2, NEW);
    await autoscaler.line(/went over to the new broker URL/);
    await cli('CLIENT', 'KILL', 'USER', 'scaler');
    await celery.sendTask('test.work', { args: [ledger.path, 'b', 200] });
    await ledger.allEnded(['b'], 90_000);
    for (const path of ['metrics', 'api/pools', 'readyz', 'api/journal', 'api/pools/default/explain']) {
      const response = await fetch(`http://127.0.0.1:${port}/${path}`, { signal: AbortSignal.timeout(30_000) });
      answers.push(await response.text());
    }
    expect(answers.join('').length).toBeGreaterThan(1_000);
  } finally {
    await celery.close();
    await autoscaler.stop();
  }
  const [kept] = [readdirSync(folder).filter((name) => !name.startsWith('..') && name !== 'url')];
  const all = [autoscaler.output(), ...answers, ...kept.map((name) => readFileSync(join(folder, name), 'utf8'))].join('\n');
  for (const secret of SECRETS) expect(all.includes(secret), `${secret} in the output`).toBe(false);
  rmSync(folder, { recursive: true, force: true });
});
