/** How much a task may log; beyond it lines are counted and dropped. */
export interface LogAllowance {
  readonly linesPerSecond: number;
  readonly bytesPerSecond: number;
}

/** The budget at an instant; `atMs` on any monotonic clock. */
export interface LogBudget {
  readonly atMs: number;
  readonly lines: number;
  readonly bytes: number;
  readonly dropped: number;
}

/** A full budget: two seconds' worth. */
export function fullBudget(allowance: LogAllowance, nowMs: number): LogBudget {
  return { atMs: nowMs, lines: allowance.linesPerSecond * 2, bytes: allowance.bytesPerSecond * 2, dropped: 0 };
}

/** Whether one line of `bytes` may pass now, how many were dropped before it, and the budget after it. */
export function spend(
  budget: LogBudget,
  allowance: LogAllowance,
  nowMs: number,
  bytes: number,
): { readonly pass: boolean; readonly droppedBefore: number; readonly budget: LogBudget } {
  const elapsedS = Math.max(0, nowMs - budget.atMs) / 1_000;
  const lines = Math.min(allowance.linesPerSecond * 2, budget.lines + elapsedS * allowance.linesPerSecond);
  const left = Math.min(allowance.bytesPerSecond * 2, budget.bytes + elapsedS * allowance.bytesPerSecond);
  if (lines < 1 || left < bytes)
    return { pass: false, droppedBefore: 0, budget: { atMs: nowMs, lines, bytes: left, dropped: budget.dropped + 1 } };
  return {
    pass: true,
    droppedBefore: budget.dropped,
    budget: { atMs: nowMs, lines: lines - 1, bytes: left - bytes, dropped: 0 },
  };
}
