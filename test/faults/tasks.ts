import { defineTask } from '@celeriac/worker';
import { noteInLedger } from '../ledger/ledger.ts';

/** Notes its start and its end outside the broker, with a millisecond or so of work between. */
export const note = defineTask('faults.note', async (ctx, path: string, milliseconds: number) => {
  noteInLedger(path, 'start', ctx.id);
  if (milliseconds > 0) await new Promise((resolve) => setTimeout(resolve, milliseconds));
  noteInLedger(path, 'end', ctx.id);
});
