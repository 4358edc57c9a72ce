import { setTimeout as pause } from 'node:timers/promises';
import type { FaultRow } from './row.ts';
import type { Stage } from './stage.ts';

/** Waits for the last missing task after the last fault, and counts. Never throws: what is missing is the figure. */
export async function account(
  stage: Stage,
  fault: string,
  ids: readonly string[],
  seen: { readonly faults: number; readonly lastFaultAt: number; readonly note?: string; readonly timeoutMs?: number },
): Promise<FaultRow> {
  const giveUpAt = performance.now() + (seen.timeoutMs ?? 90_000);
  let missing = stage.ledger.lost(ids).length;
  while (missing > 0 && performance.now() < giveUpAt) {
    await pause(50);
    missing = stage.ledger.lost(ids).length;
  }
  const recoveryMs = performance.now() - seen.lastFaultAt;
  const { ends } = stage.ledger.counts();
  const duplicated = ids.reduce((sum, id) => sum + Math.max(0, (ends.get(id) ?? 0) - 1), 0);
  return {
    broker: stage.broker,
    fault,
    tasks: ids.length,
    faults: seen.faults,
    lost: missing,
    duplicated,
    recoveryMs,
    note: seen.note ?? '',
  };
}
