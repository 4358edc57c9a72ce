// Tasks that end in every way a dashboard shows.

import { setTimeout as pause } from 'node:timers/promises';
import { contract, defineTask } from '@celeriac/worker';

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
