// What `npm start` runs once everything is installed and built: examples/index-files/demo.ts, without a terminal and on one.

import { availableParallelism, loadavg } from 'node:os';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { INDEXED_FOLDER, listFiles } from '../../examples/index-files/list-files.ts';
import { isListening } from '../brokers/free-port.ts';
import { commandLine, type ProcessRow, stillRunning } from '../process-table.ts';
import { type SpawnedProcess, spawnProcess } from '../spawned-process.ts';
import { until } from '../until.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** The demo; its workers are the built command, as `npm start` has built it. */
function startDemo(...args: string[]): SpawnedProcess {
  return spawnProcess(process.execPath, ['examples/index-files/demo.ts', ...args], { cwd: ROOT });
}

const lastLine = (demo: SpawnedProcess): unknown => JSON.parse(demo.output().trimEnd().split('\n').at(-1) ?? '');

/** Worker parents, by the name the autoscaler gave them. */
function workersOf(demo: SpawnedProcess): readonly ProcessRow[] {
  return demo.descendants().filter(({ pid, parentPid }) => parentPid === demo.pid && / worker .*-n index-\d+@/.test(commandLine(pid)));
}

/** Nothing that it started is left, and its broker does not answer any more. */
async function expectGone(demo: SpawnedProcess, started: readonly ProcessRow[]): Promise<void> {
  await until(() => stillRunning(started).length === 0, { timeoutMs: 60_000, what: 'the end of what it started' });
  const port = Number(/redis:\/\/127\.0\.0\.1:(\d+)/.exec(demo.output())?.[1]);
  expect(await isListening(port)).toBe(false);
}

/** Resolves with all its processes when tasks are being done, by that many workers if that is said. */
async function inTheMiddle(demo: SpawnedProcess, workers = '[1-9]'): Promise<readonly ProcessRow[]> {
  await demo.line(new RegExp(` [1-9][\\d,]* of [\\d,]+ tasks, .*\\b${workers} worker`), 120_000);
  return demo.descendants();
}

/** Two for each file. */
const taskCount = (): number => 2 * [...listFiles(INDEXED_FOLDER)].length;

/** How many processes want a processor, for each that there is: how much longer things take here. At least 1. */
const slowness = (): number => Math.max(1, (loadavg()[0] ?? 1) / availableParallelism());

describe('npm start', () => {
  it('does two tasks for each file, from zero workers and back to zero, although a worker is killed', async () => {
    const slownessBefore = slowness();
    await using demo = startDemo('--once');
    const started = await inTheMiddle(demo);
    const [victim] = workersOf(demo);
    if (victim === undefined) throw new Error('no worker');
    process.kill(victim.pid, 'SIGKILL');
    await demo.line(/autoscaler +index-\d killed by SIGKILL/, 60_000);
    expect(await demo.ended, demo.output()).toEqual({ code: 0, signal: null });

    const tasks = taskCount();
    expect(tasks).toBeGreaterThan(10_000);
    const outcome = lastLine(demo) as { peakWorkers: number; wallSeconds: number };
    expect(outcome).toEqual({
      tasks,
      succeeded: tasks,
      failed: 0,
      peakWorkers: expect.any(Number),
      finalWorkers: 0,
      wallSeconds: expect.any(Number),
    });
    expect(outcome.peakWorkers).toBeGreaterThanOrEqual(2);
    expect(outcome.wallSeconds).toBeLessThan(60 * Math.max(slownessBefore, slowness()));

    const steps = [...demo.output().matchAll(/^autoscaler +(\d+) -> (\d+) workers?: (.+)$/gm)];
    // how far the first step goes depends on how much was published when the broker woke the autoscaler
    expect(steps[0]?.[1]).toBe('0');
    expect(Number(steps[0]?.[2])).toBeGreaterThanOrEqual(1);
    expect(steps[0]?.[3]).toMatch(/^\d+ waiting and 0 running at .* need \d+ slots?(?:; max is 3)?$/);
    const killedAt = demo.output().search(/^autoscaler +index-\d killed by SIGKILL/m);
    const replaced = steps.find((step) => step.index > killedAt && Number(step[2]) > Number(step[1]));
    expect(replaced, 'the killed one is replaced').toBeDefined();
    expect(steps.at(-1)?.[2]).toBe('0');
    expect(steps.at(-1)?.[3]).toBe('nothing waits and nothing runs');
    expect(demo.output()).toMatch(/^ {2}TypeScript +[\d,]+ files +[\d,]+ lines/m);
    expect(demo.output()).not.toMatch(/\.\.\/|\u001b/);
    await expectGone(demo, started);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends at %s in the middle with its line of JSON and code %i', async (signal, code) => {
    await using demo = startDemo();
    const started = await inTheMiddle(demo, '3');
    expect(workersOf(demo)).toHaveLength(3);
    demo.signal(signal);
    expect(await demo.ended, demo.output()).toEqual({ code, signal: null });
    expect(lastLine(demo)).toMatchObject({ peakWorkers: 3, finalWorkers: 0, failed: 0, succeeded: expect.any(Number) });
    await expectGone(demo, started);
  });

  it('killed, takes its workers with it', async () => {
    await using demo = startDemo();
    const started = await inTheMiddle(demo);
    demo.signal('SIGKILL');
    await demo.ended;
    await until(() => stillRunning(started).length === 0, { timeoutMs: 90_000, what: 'the end of what it started' });
  });

  it('says what broke, drains the workers and ends with 1', async () => {
    const fault = 'data:text/javascript,process.on("SIGUSR2", () => { throw new Error("planted") })';
    await using demo = spawnProcess(process.execPath, ['--import', fault, 'examples/index-files/demo.ts', '--once'], { cwd: ROOT });
    const started = await inTheMiddle(demo);
    demo.signal('SIGUSR2');
    expect(await demo.ended, demo.output()).toEqual({ code: 1, signal: null });
    expect(demo.output()).toMatch(/^broken +Error: planted/m);
    expect(lastLine(demo)).toMatchObject({ finalWorkers: 0 });
    await expectGone(demo, started);
  });

  it('on a terminal has keys and one line that changes', async () => {
    // util-linux: runs a command on a terminal of its own
    await using demo = spawnProcess('script', ['-qefc', `'${process.execPath}' examples/index-files/demo.ts`, '/dev/null'], { cwd: ROOT });
    await demo.line(/keys +b burst of 1,000 tasks/, 60_000);
    const started = await inTheMiddle(demo);
    demo.child.stdin?.write('f');
    await demo.line(/its caller +CELERIAC_E_TASK_FAILED: .*you pressed f/, 120_000);
    const total = taskCount() + 1;
    const shown = (tasks: number): RegExp => new RegExp(`of ${tasks.toLocaleString('en')} tasks, 1 failed`);
    await demo.line(shown(total), 60_000); // all are published
    demo.child.stdin?.write('b');
    await demo.line(shown(total + 1_000), 60_000);
    demo.child.stdin?.write('\u0003');
    expect(await demo.ended, demo.output()).toEqual({ code: 130, signal: null });
    expect(lastLine(demo)).toMatchObject({ failed: 1, finalWorkers: 0 });
    const lines = demo.output().split('\r\n');
    expect(lines.filter((line) => line.includes('\u001b[J')).length).toBeGreaterThan(5);
    expect(demo.output()).toMatch(/\u001b\[J█+ [\d,]+ of|\u001b\[J[█░]+ [\d,]+ of/);
    await expectGone(demo, started);
  });
});
