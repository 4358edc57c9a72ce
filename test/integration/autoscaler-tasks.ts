// Tasks for tests of the autoscaler: a ledger outside the broker says what began and what ended.

import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { contract, defineTask } from '@celeriac/worker';
import { noteInLedger } from '../ledger/ledger.ts';

export const work = defineTask(
  contract<(path: string, id: string, ms: number, gate: string | undefined) => null>('test.work', {
    params: ['path', 'id', 'ms', 'gate?'],
  }),
  async (_ctx, path, id, ms, gate) => {
    noteInLedger(path, 'start', id);
    while (gate !== undefined && existsSync(gate)) await pause(25);
    await pause(ms);
    noteInLedger(path, 'end', id);
    return null;
  },
);
