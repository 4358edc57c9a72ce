// What a user of the images writes: tasks, and nothing else. Each notes in a ledger outside the broker that it began and that it ended.

import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { contract, defineTask } from '@celeriac/worker';

const note = async (ledger: string, event: 'start' | 'end', id: string): Promise<number> => {
  const answer = await fetch(`${ledger}/${event}/${id}`, { method: 'POST', body: hostname() });
  return Number(await answer.text());
};

/** Takes `ms` and returns the name of the pod it ran in. */
export const work = defineTask(
  contract<(ledger: string, id: string, ms: number) => string>('e2e.work', { params: ['ledger', 'id', 'ms'] }),
  async (_ctx, ledger, id, ms) => {
    await note(ledger, 'start', id);
    await pause(ms);
    await note(ledger, 'end', id);
    return hostname();
  },
);

/** At its first start it takes memory until it is killed for it; from the second on it ends well. Returns how often it was started. */
export const devour = defineTask(
  contract<(ledger: string, id: string) => number>('e2e.devour', { params: ['ledger', 'id'] }),
  async (_ctx, ledger, id) => {
    const starts = await note(ledger, 'start', id);
    const taken: Buffer[] = [];
    while (starts === 1) {
      taken.push(Buffer.alloc(16 << 20, 1));
      await pause(5);
    }
    await note(ledger, 'end', id);
    return starts;
  },
);

/** Which value the image's environment has: tells the pods of one release from those of the next. */
export const environment = defineTask(
  contract<(name: string) => string | null>('e2e.environment', { params: ['name'] }),
  (_ctx, name) => process.env[name] ?? null,
);
