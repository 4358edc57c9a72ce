// A task that runs for as long as a test needs it to.

import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { contract, defineTask } from '@celeriac/worker';

/** Ends when the file is there, and gives back its path. */
export const hold = defineTask(contract<(path: string) => string>('tasks.hold', { params: ['path'] }), async (_ctx, path) => {
  while (!existsSync(path)) await pause(25);
  return path;
});
