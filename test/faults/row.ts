/** One line of the fault report. */
export interface FaultRow {
  readonly broker: string;
  readonly fault: string;
  /** Tasks whose publish resolved. */
  readonly tasks: number;
  /** Faults injected. */
  readonly faults: number;
  /** Tasks that never ended. */
  readonly lost: number;
  /** Ends beyond the first, over all tasks. */
  readonly duplicated: number;
  /** From the last fault to the last missing task, in milliseconds. */
  readonly recoveryMs: number;
  /** What else the row promises, for example the 99th percentile of drain times. */
  readonly note: string;
}

/** How hard a run tries. */
export interface FaultScale {
  readonly tasks: number;
  readonly kills: number;
  readonly drains: number;
  readonly restarts: number;
  readonly freezeMs: number;
  readonly stopMs: number;
}

/** In `npm test`. */
export const SHORT: FaultScale = { tasks: 3_000, kills: 6, drains: 5, restarts: 1, freezeMs: 4_000, stopMs: 22_000 };
/** `npm run test:faults`. */
export const LONG: FaultScale = { tasks: 20_000, kills: 30, drains: 30, restarts: 5, freezeMs: 10_000, stopMs: 30_000 };

export function formatRows(rows: readonly FaultRow[]): string {
  const head = ['broker', 'fault', 'tasks', 'faults', 'lost', 'duplicated', 'recovery ms', 'note'];
  const cells = rows.map((row) => [
    row.broker,
    row.fault,
    String(row.tasks),
    String(row.faults),
    String(row.lost),
    String(row.duplicated),
    String(Math.round(row.recoveryMs)),
    row.note,
  ]);
  const widths = head.map((title, column) => Math.max(title.length, ...cells.map((line) => (line[column] ?? '').length)));
  return [head, ...cells].map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n');
}
