// The tasks of Celery's app in celery-metrics.test.ts, once more.

import { contract, defineTask, Reject, Retry } from '@celeriac/worker';

export const add = defineTask(contract<(x: number, y: number) => number>('tasks.add', { params: ['x', 'y'] }), (_ctx, x, y) => x + y);

export const fail = defineTask(contract<(message: string) => null>('tasks.fail', { params: ['message'] }), (_ctx, message) => {
  throw new RangeError(message);
});

export const flaky = defineTask(
  contract<(times: number) => number>('tasks.flaky', { params: ['times'] }),
  { maxRetries: 10 },
  (ctx, times) => {
    if (ctx.retries < times) throw new Retry({ countdown: 0 });
    return ctx.retries;
  },
);

export const refuse = defineTask(contract<() => null>('tasks.refuse', { params: [] }), () => {
  throw new Reject('not this one');
});
