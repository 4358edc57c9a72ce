// `celeriac dev --broker-only`: a broker that any Redis client can judge.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RespConnection } from '../conformance/resp-connection.ts';
import { type SpawnedProcess, spawnProcess } from '../spawned-process.ts';

const MAIN = resolve(import.meta.dirname, '../../packages/cli/src/main.ts');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-dev-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function celeriac(args: readonly string[], env: Readonly<Record<string, string>> = {}): SpawnedProcess {
  return spawnProcess(process.execPath, ['--conditions=@celeriac/source', MAIN, ...args], { env: { NODE_ENV: undefined, ...env } });
}

async function connectTo(dev: SpawnedProcess): Promise<RespConnection> {
  const line = await dev.line(/^redis:\/\/127\.0\.0\.1:\d+\/0$/, 60_000);
  return await RespConnection.open(Number(new URL(line).port));
}

test('prints its URL, keeps its keys over kill -9 with --db, and ends with 0 on SIGTERM', async () => {
  const args = ['dev', '--broker-only', '--port', '0', '--db', join(folder, 'work.db')];
  const first = celeriac(args);
  const connection = await connectTo(first);
  expect(await connection.call('LPUSH', 'celery', 'one', 'two')).toBe(2);
  first.signal('SIGKILL');
  await first.ended;
  await connection.end();

  const second = celeriac(args);
  const again = await connectTo(second);
  expect(await again.call('LRANGE', 'celery', '0', '-1')).toEqual(['two', 'one']);
  expect(await second.stop()).toEqual({ code: 0, signal: null });
  await again.end();
});

test('--max-memory caps it', async () => {
  const dev = celeriac(['dev', '--broker-only', '--port', '0', '--max-memory', '1000']);
  const connection = await connectTo(dev);
  expect(await connection.call('SET', 'k', 'x'.repeat(2_000))).toBe('OK');
  expect(await connection.call('SET', 'l', 'x')).toMatchObject({ error: expect.stringMatching(/^OOM command not allowed/) });
  await connection.end();
  await dev.stop();
});

test.each([
  [['dev', '--broker-only', '--port', '0'], { NODE_ENV: 'production' }, /NODE_ENV=production/],
  [['dev', '--broker-only', '--port', 'x'], {}, /--port must be a whole number/],
])('%j with %j is refused with exit code 78', async (args, env, message) => {
  const dev = celeriac(args, env);
  expect(await dev.ended).toEqual({ code: 78, signal: null });
  expect(dev.output()).toMatch(message);
});
