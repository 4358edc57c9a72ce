import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isAlive } from './rig.ts';

const PARENT = fileURLToPath(new URL('./fixtures/parent.ts', import.meta.url));

async function startParent(...args: string[]): Promise<{ parent: ChildProcess; pids: number[] }> {
  const parent = spawn(process.execPath, ['--conditions=@celeriac/source', PARENT, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: parent.stdout as NodeJS.ReadableStream }))
    return { parent, pids: JSON.parse(line) as number[] };
  throw new Error('the parent said nothing');
}

const noneAlive = async (pids: readonly number[]): Promise<boolean> => (await Promise.all(pids.map(isAlive))).every((alive) => !alive);

test.each(['SIGKILL', 'SIGTERM'] as const)('when the parent ends by %s its children end, one in an endless loop too', async (signal) => {
  const { parent, pids } = await startParent('pool.spin-forever');
  expect(pids.length).toBe(2);
  expect(await isAlive(pids[0] as number)).toBe(true);
  parent.kill(signal);
  await expect.poll(() => noneAlive(pids), { timeout: 30_000, interval: 20 }).toBe(true);
});

test('what their tasks started ends with them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-orphans-'));
  try {
    const file = join(folder, 'pid');
    const { parent, pids } = await startParent('pool.with-grandchild', file);
    await expect.poll(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'), { timeout: 30_000 }).toBe(true);
    const grandchild = Number(readFileSync(file, 'utf8'));
    parent.kill('SIGKILL');
    await expect.poll(() => noneAlive([...pids, grandchild]), { timeout: 30_000, interval: 20 }).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
