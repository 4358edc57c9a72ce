// What the workers of ../compose.yaml run. Python's side of it is python/app.py.

import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { contract, defineTask } from '@celeriac/worker';

/** Takes as long as told and returns a digest of the text. */
export const digest = defineTask(
  contract<(text: string, seconds: number) => string>('tour.digest', { params: ['text', 'seconds'] }),
  async (_ctx, text, seconds) => {
    await pause(seconds * 1000);
    return createHash('sha256').update(text).digest('hex');
  },
);

/** Fails, for the failures to be seen on a dashboard. */
export const refuse = defineTask(contract<(why: string) => never>('tour.refuse', { params: ['why'] }), (_ctx, why): never => {
  throw new RangeError(why);
});
