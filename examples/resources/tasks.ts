// Tasks that say what they need, for the pools of pools.yaml. Each answers with the queue it came by.

import { defineTask } from '@celeriac/worker';
import * as contracts from './contracts.ts';

export const thumbnail = defineTask(contracts.thumbnail, (ctx, path) => `thumbnail of ${path} by ${ctx.queue}`);

export const transcode = defineTask(contracts.transcode, (ctx, path) => `${path} transcoded by ${ctx.queue}`);

/** Needs nothing special, and calls what does: each call finds its own pool, because the worker was given --pools. */
export const album = defineTask(contracts.album, async (ctx, paths) => {
  for (const path of paths) await ctx.call(contracts.transcode, path);
  return `album by ${ctx.queue}`;
});
