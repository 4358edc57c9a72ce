// The least values that the chart takes, and one pool more.

import type { Values } from './render.ts';

/** One Node pool of the name `default` on Redis. */
export const minimal = {
  broker: { url: 'redis://redis:6379/0' },
  defaults: { app: 'tasks.ts' },
  pools: { default: { queues: ['celery'] } },
} as const;

/** The least values with a pool in place of `default`: what is given, and a queue of its own. */
export function withPool(pool: Values, name = 'mail'): Values {
  return { ...minimal, pools: { [name]: { queues: [name], ...pool } } };
}
