// Tasks for tests of the autoscaler: a ledger outside the broker says what began and what ended.

import { setTimeout as pause } from 'node:timers/promises';
import { contract, defineTask } from '@celeriac/worker';
import { noteInLedger } from '../ledger/ledger.ts';

export const work = defineTask(
  contract<(path: string, id: string, ms: number) => null>('test.work', { params: ['path', 'id', 'ms'] }),
  async (_ctx, path, id, ms) => {
    noteInLedger(path, 'start', id);
    await pause(ms);
    noteInLedger(path, 'end', id);
    return null;
  },
);
