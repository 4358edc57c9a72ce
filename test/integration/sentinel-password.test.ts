// Sentinels that ask for a password of their own, which a file has, as the chart mounts it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Sentinel, startSentinel } from '../brokers/sentinel.ts';
import { runCeleriac, startWorkerProcess } from '../worker-process.ts';
import { BASICS } from './worker-rig.ts';

let sentinel: Sentinel;
let folder: string;
const urlOf = (database: number): string => `sentinel://:of-redis@127.0.0.1:${sentinel.port}/${database}`;
const masterName = ['--broker-option', 'masterName=main', '--backend-option', 'masterName=main'];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-sentinel-password-'));
  writeFileSync(join(folder, 'password'), 'of-the-sentinels\n');
  writeFileSync(join(folder, 'wrong'), 'of-nobody\n');
  sentinel = await startSentinel({ requirepass: 'of-redis', sentinelPassword: 'of-the-sentinels' });
});
afterAll(async () => {
  await sentinel?.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('worker and client read it; nobody prints it', async () => {
  const env = { CELERIAC_SENTINEL_PASSWORD_FILE: join(folder, 'password') };
  const worker = await startWorkerProcess({ tasks: BASICS, broker: urlOf(0), backend: urlOf(1), args: masterName, env });
  try {
    const ends = ['-b', urlOf(0), '--result-backend', urlOf(1), ...masterName];
    const called = await runCeleriac(['call', 'tasks.add', '--args', '[2, 3]', '--wait', '20', ...ends], { env });
    expect(called.stdout.trim(), called.output).toBe('5');
  } finally {
    await worker.stop();
  }
  expect(worker.output()).not.toMatch(/of-the-sentinels|of-redis/);
});

it('is needed', async () => {
  const purge = (file: string) =>
    runCeleriac(
      ['purge', '-Q', 'celery', '-b', urlOf(0), '--broker-option', 'masterName=main', '--broker-option', 'socketConnectTimeout=2'],
      {
        env: { CELERIAC_SENTINEL_PASSWORD_FILE: file },
      },
    );
  for (const file of ['', join(folder, 'wrong')]) {
    const refused = await purge(file);
    expect(refused.code, refused.output).toBe(69);
    expect(refused.output).toMatch(/CELERIAC_E_CONNECTION: .*(NOAUTH|WRONGPASS)/);
    expect(refused.output).not.toMatch(/of-nobody|of-redis/);
  }
  const missing = await purge(join(folder, 'none'));
  expect([missing.code, missing.output]).toEqual([
    78,
    expect.stringMatching(/CELERIAC_SENTINEL_PASSWORD_FILE names a file that cannot be read/),
  ]);
});
