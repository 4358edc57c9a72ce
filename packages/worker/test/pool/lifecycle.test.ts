import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createPreforkPool } from '../../src/pool/prefork/prefork-pool.ts';
import type { TaskManifest } from '../../src/tasks/manifest.ts';
import { createGate } from '../gate.ts';
import { isAlive, jobFor, poolRig, TASKS } from './rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'celeriac-lifecycle-'));
afterAll(() => rmSync(folder, { recursive: true }));
const SOURCE = JSON.stringify(new URL('../../src/tasks/define-task.ts', import.meta.url).pathname);
const DURATION_MS = 30_000;

test('the start gives the manifest: names and options, without the code', async () => {
  await using rig = poolRig({ slots: 2 });
  const manifest = await rig.pool.start();
  expect(manifest.tasks[0]).toEqual({ name: 'pool.add', options: { maxRetries: 5, timeLimit: 9 } });
  expect(rig.pool.pids.length).toBe(2);
  expect(rig.pool.slots).toEqual({ total: 2, free: 2 });
});

test('a child that ends before it is ready, again and again, is one error', async () => {
  const module = join(folder, 'exits.ts');
  writeFileSync(module, 'process.exit(7);\n');
  await using rig = poolRig({ modules: [module] });
  const error = await rig.pool.start().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'CELERIAC_E_CHILD', data: { cause: 'exitcode 7', attempts: 3 } });
});

test('a child that does not get ready in time is one error', async () => {
  const module = join(folder, 'hangs.ts');
  writeFileSync(module, 'await new Promise((resolve) => setTimeout(resolve, 600_000));\n');
  await using rig = poolRig({ modules: [module], tuning: { startTimeoutMs: 100 } });
  await expect(rig.pool.start()).rejects.toThrow('CELERIAC_E_CHILD: a child process ended before it was ready: signal 9 (SIGKILL)');
});

test.each([
  [{ slots: 0, modules: [TASKS] }, 'slots must be a whole number'],
  [{ slots: 1.5, modules: [TASKS] }, 'slots must be a whole number'],
  [{ slots: 1, modules: [] }, 'no task module'],
])('options that cannot be: %j', (options, text) => {
  const events = { onStarted() {}, onOutcome() {}, onRoom() {}, onLog() {}, onCall: () => Promise.reject(new Error()) };
  expect(() => createPreforkPool({ ...options, env: {}, events })).toThrow(text);
});

test('when the modules break later, what runs goes on and the error is said once', async () => {
  const module = join(folder, 'breaks.ts');
  const text = `import { defineTask } from ${SOURCE};\nexport const one = defineTask('later.one', (_ctx, x) => x);\nexport const die = defineTask('later.die', () => process.kill(process.pid, 'SIGKILL'));\n`;
  writeFileSync(module, text);
  await using rig = poolRig({ modules: [module], slots: 2 });
  await rig.pool.start();
  writeFileSync(module, 'throw new Error("broken");\n');
  await rig.run(jobFor('later.die'));
  await rig.run(jobFor('later.die'));
  await rig.until(() => rig.logs.some(({ level, text: line }) => level === 'error' && line.includes('broken')));
  writeFileSync(module, text);
  expect(await rig.run(jobFor('later.one', [5]))).toMatchObject({ resultJson: '5' });
  await rig.until(() => rig.pool.slots.free === 2);
  expect(rig.logs.filter(({ text: line }) => line.includes('broken')).length).toBe(1);
});

test('close waits for what runs, hands back what has not begun, and leaves no process', async () => {
  using gate = createGate();
  await using rig = poolRig({ slots: 2 });
  await rig.pool.start();
  const running = jobFor('pool.wait', [gate.path]);
  const looping = jobFor('pool.spin', [gate.path], { pipelined: true });
  expect(rig.pool.submit(running) && rig.pool.submit(looping)).toBe(true);
  const waiting = [jobFor('pool.add', [1, 2], { pipelined: true }), jobFor('pool.add', [1, 2], { pipelined: true })];
  for (const job of waiting) expect(rig.pool.submit(job)).toBe(true);
  await rig.until(() => rig.started.length === 2);
  const pids = [...rig.pool.pids];
  const closed = rig.pool.close(AbortSignal.timeout(DURATION_MS));
  expect(rig.pool.submit(jobFor('pool.add'))).toBe(false);
  for (const job of waiting) expect(await rig.outcomeOf(job)).toEqual({ kind: 'aborted' });
  expect(rig.outcomes.has(running)).toBe(false);
  expect(rig.outcomes.has(looping)).toBe(false);
  gate.open();
  await closed;
  expect(await rig.outcomeOf(running)).toMatchObject({ kind: 'succeeded' });
  expect(await rig.outcomeOf(looping)).toMatchObject({ kind: 'succeeded' });
  expect(rig.started.length).toBe(2);
  for (const pid of pids) expect(await isAlive(pid)).toBe(false);
});

test('at the deadline what still runs is terminated', async () => {
  const rig = poolRig({ slots: 2 });
  await rig.pool.start();
  const deadline = new AbortController();
  const jobs = [jobFor('pool.wait', [60_000]), jobFor('pool.spin-forever')];
  for (const job of jobs) await rig.submit(job);
  await rig.until(() => rig.started.length === 2);
  const pids = [...rig.pool.pids];
  const closed = rig.pool.close(deadline.signal);
  deadline.abort();
  for (const job of jobs) expect(await rig.outcomeOf(job)).toMatchObject({ kind: 'terminated', signal: 'SIGKILL' });
  await closed;
  for (const pid of pids) expect(await isAlive(pid)).toBe(false);
});

test('an idle pool closes at once, twice is the same, and while it starts', async () => {
  const idle = poolRig({ slots: 2 });
  await idle.pool.start();
  await Promise.all([idle.pool.close(AbortSignal.timeout(DURATION_MS)), idle.pool.close(AbortSignal.timeout(DURATION_MS))]);
  const starting = poolRig({ slots: 2 });
  const started = starting.pool.start().catch((error: Error) => error.message);
  await starting.pool.close(AbortSignal.timeout(DURATION_MS));
  expect(await started).toContain('CELERIAC_E_CLOSED');
});

test('resize adds slots and takes away idle ones first; what runs ends', async () => {
  using gate = createGate();
  await using rig = poolRig({ slots: 1 });
  await rig.pool.start();
  await rig.pool.resize(3);
  expect(rig.pool.slots).toEqual({ total: 3, free: 3 });
  const job = jobFor('pool.wait', [gate.path]);
  await rig.submit(job);
  await rig.until(() => rig.started.length === 1);
  await rig.pool.resize(1);
  expect(rig.pool.pids).toEqual([rig.started[0]?.pid]);
  gate.open();
  expect(await rig.outcomeOf(job)).toMatchObject({ kind: 'succeeded' });
  await expect(rig.pool.resize(0)).rejects.toThrow('CELERIAC_E_CONFIG');
});

test('reload replaces every child after its current job and gives the new manifest', async () => {
  const module = join(folder, 'changes.ts');
  const version = (n: number): string =>
    `import { defineTask } from ${SOURCE};\nexport const v = defineTask('v', async (_ctx, waitMs: number) => { await new Promise((r) => setTimeout(r, waitMs)); return ${n}; });\nexport const only${n} = defineTask('only-${n}', () => ${n});\n`;
  writeFileSync(module, version(1));
  await using rig = poolRig({ modules: [module], slots: 2 });
  await rig.pool.start();
  const before = jobFor('v', [500]);
  await rig.submit(before);
  await rig.until(() => rig.started.length === 1);
  writeFileSync(module, version(2));
  const manifest = await rig.pool.reload();
  expect(manifest.tasks.map(({ name }) => name)).toEqual(['only-2', 'v', 'celery.accumulate']);
  expect(await rig.outcomeOf(before)).toMatchObject({ kind: 'succeeded', resultJson: '1' });
  const after = [jobFor('v', [50]), jobFor('v', [50])];
  for (const job of after) await rig.submit(job);
  for (const job of after) expect(await rig.outcomeOf(job)).toMatchObject({ resultJson: '2' });
});

test('a reload during a long task tells the new manifest at once; a second reload takes the first one over', async () => {
  const module = join(folder, 'changes-twice.ts');
  const version = (n: number): string =>
    `import { existsSync } from 'node:fs';\nimport { defineTask } from ${SOURCE};\nexport const v = defineTask('v', async (_ctx, gate: string) => { while (!existsSync(gate)) await new Promise((r) => setTimeout(r, 20)); return ${n}; });\nexport const only${n} = defineTask('only-${n}', () => ${n});\n`;
  writeFileSync(module, version(1));
  await using rig = poolRig({ modules: [module], slots: 2 });
  await rig.pool.start();
  const gate = join(folder, 'gate');
  const long = jobFor('v', [gate]);
  await rig.submit(long);
  await rig.until(() => rig.started.length === 1);
  const third = Promise.withResolvers<void>();
  const note = ({ tasks }: TaskManifest): void => {
    if (tasks.some(({ name }) => name === 'only-3')) third.resolve();
  };
  writeFileSync(module, version(2));
  const first = rig.pool.reload(note);
  writeFileSync(module, version(3));
  const second = rig.pool.reload(note);
  await third.promise;
  expect(rig.outcomes.size).toBe(0);
  expect(await rig.run(jobFor('only-3'))).toMatchObject({ resultJson: '3' });
  writeFileSync(module, 'const = 5;');
  await expect(rig.pool.reload(note)).rejects.toThrow(module);
  expect(await rig.run(jobFor('only-3'))).toMatchObject({ resultJson: '3' });
  writeFileSync(gate, '');
  expect(await rig.outcomeOf(long)).toMatchObject({ kind: 'succeeded', resultJson: '1' });
  await Promise.all([first, second]);
  expect(await rig.run(jobFor('v', [gate]))).toMatchObject({ resultJson: '3' });
});

test('a reload that fails says why and leaves the children that work', async () => {
  const module = join(folder, 'changes-badly.ts');
  writeFileSync(module, `import { defineTask } from ${SOURCE};\nexport const v = defineTask('v', () => 1);\n`);
  await using rig = poolRig({ modules: [module], slots: 1 });
  await rig.pool.start();
  writeFileSync(module, '\nconst = 5;\n');
  await expect(rig.pool.reload()).rejects.toThrow(`${module}:2`);
  expect(await rig.run(jobFor('v'))).toMatchObject({ resultJson: '1' });
  writeFileSync(module, `import { defineTask } from ${SOURCE};\nexport const v = defineTask('v', () => 2);\n`);

  await rig.pool.reload();
  expect(await rig.run(jobFor('v'))).toMatchObject({ resultJson: '2' });
});
