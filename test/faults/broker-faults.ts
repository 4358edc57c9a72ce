import { account } from './accounting.ts';
import type { FaultRow, FaultScale } from './row.ts';
import { type FaultBroker, openStage } from './stage.ts';

const PUBLISHERS = 20;

/** The broker restarts while messages are published: every publish that resolved must be there. */
export async function restartUnderPublish(broker: FaultBroker, scale: FaultScale): Promise<FaultRow> {
  await using stage = await openStage(broker);
  const note = stage.app.task<(path: string, milliseconds: number) => void>('faults.note');
  const resolved: string[] = [];
  let rejected = 0;
  let going = true;
  const publisher = async (): Promise<void> => {
    while (going) {
      const taskId = crypto.randomUUID();
      try {
        await note.applyAsync({ args: [stage.ledger.path, 0], taskId, ignoreResult: true });
        resolved.push(taskId);
      } catch {
        rejected += 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
  await stage.app.sendTask('faults.note', { args: [stage.ledger.path, 0], ignoreResult: true });
  const publishers = Array.from({ length: PUBLISHERS }, publisher);
  let lastFaultAt = performance.now();
  for (let restart = 0; restart < scale.restarts; restart += 1) {
    const target = resolved.length + 300;
    while (resolved.length < target) await new Promise((resolve) => setTimeout(resolve, 5));
    await stage.restartBroker();
    lastFaultAt = performance.now();
  }
  const target = resolved.length + 300;
  while (resolved.length < target) await new Promise((resolve) => setTimeout(resolve, 5));
  going = false;
  await Promise.all(publishers);
  await stage.startWorker();
  const row = await account(stage, 'broker restarted under publish', resolved, { faults: scale.restarts, lastFaultAt });
  return { ...row, note: `${rejected} rejected` };
}
