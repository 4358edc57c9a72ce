// `celeriac dev`, as a developer runs it: from the first call to Ctrl-C.

import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isListening } from '../brokers/free-port.ts';
import { startRedis } from '../brokers/redis.ts';
import { commandLine, stillRunning } from '../process-table.ts';
import { runPython } from '../python/script.ts';
import type { SpawnedProcess } from '../spawned-process.ts';
import { letTimePass, until } from '../until.ts';
import { runCeleriac, startCeleriac } from '../worker-process.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** A task file of a user: `shout` uses a word of a second file, `wait` takes its time. */
const tasksFile = (mark: string): string => `
import { existsSync } from 'node:fs';
import { defineTask } from '@celeriac/worker';
import { word } from './word.ts';
export const shout = defineTask('try.shout', (_ctx, name: string) => \`\${word} \${name}${mark}\`);
export const wait = defineTask('try.wait', async (ctx, end: number | string) => {
  ctx.log.info('waiting');
  const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  if (typeof end === 'number') await pause(end);
  else while (!existsSync(end)) await pause(0.05);
  return 'waited${mark}';
});
`;

interface Dev extends AsyncDisposable {
  readonly process: SpawnedProcess;
  readonly env: Readonly<Record<string, string>>;
  /** Calls a task from the shell and returns what it printed. */
  call(name: string, args: unknown, ...flags: string[]): Promise<string>;
}

/** A bound for the result of a call, which may have to wait for a worker's start on a slow machine. */
const WAIT = ['--wait', '90'] as const;
const CALL = { timeoutMs: 240_000 } as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-dev-'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  edit('word.ts', "export const word = 'hello';\n");
  edit('tasks.ts', tasksFile('!'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Puts a file there at once, as editors do: nobody reads half of it. */
function edit(name: string, text: string): void {
  writeFileSync(join(folder, `.${name}.new`), text);
  renameSync(join(folder, `.${name}.new`), join(folder, name));
}

async function startDev(...args: string[]): Promise<Dev> {
  const flags = ['dev', '-A', 'tasks.ts', '--port', '0', '--http', 'off', '--idle', '1.5', ...args];
  const dev = startCeleriac(flags, { cwd: folder, env: { NODE_ENV: undefined } });
  const broker = /\S+:\/\/\S+/.exec(await dev.line(/^broker /))?.[0] ?? '';
  const backend = /\S+:\/\/\S+/.exec(await dev.line(/^results /))?.[0] ?? '';
  await dev.line(/^stop /);
  const env = { CELERY_BROKER_URL: broker, CELERY_RESULT_BACKEND: backend };
  return {
    process: dev,
    env,
    async call(name, values, ...more) {
      const { code, stdout, output } = await runCeleriac(['call', name, '-a', JSON.stringify(values), ...more], { ...CALL, env });
      expect(code, `${output}\n${dev.output()}`).toBe(0);
      return stdout.trim();
    },
    [Symbol.asyncDispose]: async () => void (await dev.stop(60_000)),
  };
}

/** The decisions it showed, as `0 -> 2`. */
const decisions = (dev: SpawnedProcess): string[] =>
  Array.from(dev.output().matchAll(/autoscaler +(\d+ -> \d+) worker/g), ([, step = '']) => step);

describe('celeriac dev', () => {
  it('runs what is called, from zero workers and back to zero, and says why', async () => {
    await using dev = await startDev('-c', '1', '--max', '3');
    expect(dev.process.output()).toMatch(/^tasks +try\.shout, try\.wait$/m);
    expect(dev.process.output()).toMatch(/^workers +0 to 3/m);
    expect(dev.process.output()).not.toMatch(/^why/m); // HTTP is off
    const gate = join(folder, 'gate');
    const calls = [1, 2, 3].map(() => dev.call('try.wait', [gate], ...WAIT));
    await dev.process.line(/autoscaler +\d -> [23] workers: /);
    edit('gate', '');
    expect(await Promise.all(calls)).toEqual(['"waited!"', '"waited!"', '"waited!"']);
    expect(await dev.call('try.shout', ['you'], ...WAIT)).toBe('"hello you!"');
    await dev.process.line(/try\.wait\[.{36}\]: waiting/);
    await dev.process.line(/-> 0 workers: nothing waits and nothing runs/);
    expect(decisions(dev.process)[0]).toMatch(/^0 -> [123]$/);
    expect(dev.process.output()).toMatch(/0 -> \d workers?: \d waiting and 0 running at .* need \d slots?/);
    // Back at zero nothing of the workers is left; the embedded broker, and the guard of orphans, are.
    const left = (): string[] => dev.process.descendants().map(({ pid }) => commandLine(pid));
    await until(() => left().length === 1, { timeoutMs: 60_000, what: 'the end of the workers' }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${left().join('\n')}\n${dev.process.output()}`);
    });
    expect(await dev.call('try.shout', ['again'], ...WAIT)).toBe('"hello again!"');
    dev.process.signal('SIGINT');
    expect(await dev.process.ended, dev.process.output()).toEqual({ code: 0, signal: null });
  });

  it('loads an edited file into new children; a task that ran before ends in the old one', async () => {
    await using dev = await startDev('-c', '2', '--max', '1', '--idle', '60');
    const gate = join(folder, 'gate');
    const long = dev.call('try.wait', [gate], '--wait', '200');
    await dev.process.line(/: waiting/);
    const [workers] = [dev.process.descendants()];
    edit('tasks.ts', tasksFile('?'));
    await dev.process.line(/edit +tasks\.ts changed/);
    await dev.process.line(/what begins now runs the new code/);
    expect(await dev.call('try.shout', ['you'], ...WAIT)).toBe('"hello you?"');
    // a file it imports
    edit('word.ts', "export const word = 'good day';\n");
    await dev.process.line(/edit +word\.ts changed/);
    await until(async () => (await dev.call('try.shout', ['you'], ...WAIT)) === '"good day you?"', { timeoutMs: 60_000 });
    expect(dev.process.output()).not.toMatch(/try\.wait.*(succeeded|ended|lost)/);
    edit('gate', '');
    expect(await long).toBe('"waited!"');
    // the worker stayed: only its children were replaced
    expect(decisions(dev.process)).toEqual(['0 -> 1']);
    expect(stillRunning(workers).length).toBeGreaterThan(0);
    expect((await dev.process.stop(60_000)).code).toBe(0);
  });

  it('says where a broken edit is broken, keeps the old code, and takes the mended one', async () => {
    await using dev = await startDev('-c', '1', '--max', '1', '--idle', '60');
    expect(await dev.call('try.shout', ['you'], ...WAIT)).toBe('"hello you!"');
    edit('tasks.ts', `${tasksFile('?')}\nconst = 5;\n`);
    const line = tasksFile('?').split('\n').length + 1;
    await dev.process.line(new RegExp(`cannot import tasks\\.ts at .*/tasks\\.ts:${line}: SyntaxError`));
    await dev.process.line(/workers keep the code they have/);
    expect(await dev.call('try.shout', ['you'], ...WAIT)).toBe('"hello you!"');
    expect(dev.process.output().match(/cannot import/g)).toHaveLength(1);
    edit('tasks.ts', `${tasksFile('?')}export const more = defineTask('try.more', () => 7);\n`);
    await dev.process.line(/tasks now: try\.more, try\.shout, try\.wait/);
    await dev.process.line(/what begins now runs the new code/);
    expect(await dev.call('try.more', [], ...WAIT)).toBe('7');
  });

  it('starts workers at once when a file that kept them from starting is mended', async () => {
    await using dev = await startDev('-c', '1', '--max', '1');
    edit('word.ts', 'export const word = String(JSON.parse("not today"));\n');
    await dev.process.line(/cannot import tasks\.ts at .*\/word\.ts:1: SyntaxError/);
    const called = dev.call('try.shout', ['you'], ...WAIT);
    await dev.process.line(/dev-2 +exited with code 78/);
    edit('word.ts', "export const word = 'hello';\n");
    expect(await called).toBe('"hello you!"');
    expect(dev.process.output()).not.toMatch(/dev-5/);
  });

  it('is joined by a Python program', async () => {
    await using dev = await startDev('--idle', '60');
    const printed = await runPython(
      `
from celery import Celery
app = Celery(broker='${dev.env['CELERY_BROKER_URL']}', backend='${dev.env['CELERY_RESULT_BACKEND']}')
print(app.send_task('try.shout', ['Python']).get(timeout=90))
print(app.control.inspect(timeout=60, limit=1).registered().popitem()[1])
`,
      { timeoutMs: 200_000 },
    );
    expect(printed.trim().split('\n')).toEqual(['hello Python!', "['try.shout', 'try.wait']"]);
  });

  it('waits for what runs at Ctrl-C, ends it at a second one, and leaves nothing behind', async () => {
    await using dev = await startDev('-c', '1');
    const { process } = dev;
    await dev.call('try.wait', [join(folder, 'gate')]);
    await process.line(/: waiting/);
    const running = process.descendants();
    expect(running.length).toBeGreaterThanOrEqual(3);
    process.signal('SIGINT');
    await process.line(/stopping: workers finish what they have begun/);
    edit('gate', '');
    expect(await process.ended, process.output()).toEqual({ code: 0, signal: null });
    expect(process.output()).toMatch(/try\.wait\[.*succeeded/);
    await until(() => stillRunning(running).length === 0, { what: 'the end of everything' });
    expect(await isListening(Number(new URL(dev.env['CELERY_BROKER_URL'] ?? '').port))).toBe(false);

    await using other = await startDev('-c', '1');
    await other.call('try.wait', [60]);
    await other.process.line(/: waiting/);
    const left = other.process.descendants();
    other.process.signal('SIGTERM');
    await other.process.line(/stopping/);
    await letTimePass(1_100, 'a second signal within a second is taken for the first');
    other.process.signal('SIGTERM');
    expect(await other.process.ended, other.process.output()).toEqual({ code: 70, signal: null });
    await until(() => stillRunning(left).length === 0, { what: 'the end of everything' });
  });

  it('killed, takes its workers with it', async () => {
    await using dev = await startDev('-c', '1');
    await dev.call('try.wait', [1]);
    await dev.process.line(/: waiting/);
    const running = dev.process.descendants();
    dev.process.signal('SIGKILL');
    await dev.process.ended;
    await until(() => stillRunning(running).length === 0, { timeoutMs: 90_000, what: 'the end of its workers' });
  });

  it('keeps work over a restart with --db', async () => {
    const db = ['--db', join(folder, 'work.db')];
    const first = await startDev(...db, '-Q', 'later');
    const id = await first.call('try.shout', ['you']); // to the queue celery, which nobody serves
    expect((await first.process.stop(60_000)).code).toBe(0);
    await using second = await startDev(...db);
    const backend = second.env['CELERY_RESULT_BACKEND'] ?? '';
    await second.process.line(new RegExp(`try\\.shout\\[${id}\\] succeeded`));
    const result = await runCeleriac(['result', id, '--result-backend', backend]);
    expect(result.stdout).toBe('"hello you!"\n');
  });

  it('uses a real broker where one is named', async () => {
    await using redis = await startRedis({ requirepass: 'secret' });
    await using dev = await startDev('--broker', redis.database(0), '--result-backend', redis.database(1));
    expect(dev.process.output()).toMatch(/\(yours\)/);
    expect(dev.process.output()).not.toMatch(/secret/);
    const env = { CELERY_BROKER_URL: redis.database(0), CELERY_RESULT_BACKEND: redis.database(1) };
    expect(await runCeleriac(['call', 'try.shout', '-a', '["you"]', ...WAIT], { ...CALL, env })).toMatchObject({
      stdout: '"hello you!"\n',
    });
  });

  it('refuses what it cannot run, in one line', async () => {
    const run = (args: string[], env = {}) => runCeleriac(['dev', ...args], { cwd: folder, env: { NODE_ENV: undefined, ...env } });
    const production = await run(['-A', 'tasks.ts', '--port', '0'], { NODE_ENV: 'production' });
    expect(production).toMatchObject({ code: 78, output: expect.stringMatching(/NODE_ENV=production/) });
    expect(await run(['--port', '0'])).toMatchObject({ code: 78, output: expect.stringMatching(/no task modules: give -A/) });
    expect(await run(['-A', 'taks.ts', '--port', '0'])).toMatchObject({
      code: 78,
      output: expect.stringMatching(/there is no file .*taks\.ts/),
    });

    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as { port: number };
    const taken = await run(['-A', 'tasks.ts', '--port', String(port)]);
    server.close();
    expect(taken.code).toBe(78);
    expect(taken.output.trim().split('\n')).toEqual([expect.stringContaining(`127.0.0.1:${port} is taken`)]);
  });
});
