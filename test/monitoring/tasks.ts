// Tasks that end in every way a dashboard shows.

import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { contract, defineTask } from '@celeriac/worker';

/** Where it is named, nobody comes up before this file is there. */
const gate = process.env['CELERIAC_TEST_GATE'];
while (gate !== undefined && !existsSync(gate)) await pause(50);

export const work = defineTask(contract<(ms: number) => number>('shop.work', { params: ['ms'] }), async (_ctx, ms) => {
  await pause(ms);
  return ms;
});

export const fail = defineTask(contract<(what: string) => null>('shop.fail', { params: ['what'] }), (_ctx, what) => {
  if (what === 'type') throw new TypeError('not a number');
  throw new RangeError(`no ${what}`);
});

/** Tried once more, and then content. */
export const retry = defineTask(contract<() => null>('shop.retry', { params: [] }), { maxRetries: 2 }, (ctx) => {
  if (ctx.retries === 0) ctx.retry({ countdown: 0.2 });
  return null;
});

/** Takes its process with it: run again, at last quarantined. */
export const crash = defineTask(contract<() => null>('shop.crash', { params: [] }), () => {
  process.kill(process.pid, 'SIGKILL');
  return null;
});
