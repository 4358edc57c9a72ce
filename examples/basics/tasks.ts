// The tasks that the guide and the tests use. Start a worker with: celeriac worker -A examples/basics/tasks.ts

import { appendFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { defineTask } from '@celeriac/worker';
import * as contracts from './contracts.ts';

export const add = defineTask(contracts.add, (_ctx, x, y) => x + y);

/** Gives back what it was given. */
export const echo = defineTask(contracts.echo, (_ctx, value) => value);

/** Waits without using the processor; resolves with the number of seconds. */
export const sleep = defineTask(contracts.sleep, async (_ctx, seconds) => {
  await pause(seconds * 1000);
  return seconds;
});

export const fail = defineTask(contracts.fail, (_ctx, message): never => {
  throw new Error(message);
});

/** Asks to be run again as often as told, then resolves with the number of retries. */
export const flaky = defineTask(contracts.flaky, { maxRetries: null }, (ctx, times) => {
  if (ctx.retries < times) ctx.retry({ countdown: 0 });
  return ctx.retries;
});

/** Keeps the processor busy and listens to nobody. */
export const spin = defineTask(contracts.spin, (_ctx, seconds) => {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    // a synchronous loop, as a bad regular expression would be
  }
  return seconds;
});

/** Kills the process that runs it. */
export const die = defineTask(contracts.die, async () => {
  process.kill(process.pid, 'SIGKILL');
  await pause(60_000); // until the signal has arrived
});

/** Appends one line to a file, in one write. */
export const append = defineTask(contracts.append, async (_ctx, path, text) => {
  await appendFile(path, `${text}\n`);
  return null;
});
