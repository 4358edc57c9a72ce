// What really ran, written outside any broker: tasks append one line per event with O_APPEND, so that a killed process leaves what it wrote.
// A line is `start ID` or `end ID`, with anything behind it; appends this short are atomic.

import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../until.ts';

export interface LedgerCounts {
  /** How often each id started. */
  readonly starts: ReadonlyMap<string, number>;
  /** How often each id ended. */
  readonly ends: ReadonlyMap<string, number>;
}

export interface Ledger {
  readonly path: string;
  counts(): LedgerCounts;
  /** The ids of these that never ended. */
  lost(ids: Iterable<string>): readonly string[];
  /** The ids that ended more than once. */
  duplicated(): readonly string[];
  /** Resolves when every id has ended at least once; rejects with the number missing when time is up. */
  allEnded(ids: Iterable<string>, timeoutMs: number): Promise<void>;
  remove(): void;
  [Symbol.dispose](): void;
}

export function createLedger(): Ledger {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-ledger-'));
  const path = join(folder, 'ledger.txt');
  writeFileSync(path, '');
  const counts = (): LedgerCounts => countLedger(readFileSync(path, 'utf8'));
  const lost = (ids: Iterable<string>): string[] => {
    const { ends } = counts();
    return [...ids].filter((id) => !ends.has(id));
  };
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  return {
    path,
    counts,
    lost,
    duplicated: () => [...counts().ends].filter(([, times]) => times > 1).map(([id]) => id),
    allEnded: async (ids, timeoutMs) => {
      const expected = [...ids];
      let missing = expected.length;
      const complete = (): boolean => {
        missing = lost(expected).length;
        return missing === 0;
      };
      await until(complete, { timeoutMs, everyMs: 100, what: 'every task in the ledger' }).catch((error: Error) => {
        throw new Error(`${missing} of ${expected.length} tasks are missing in the ledger: ${error.message}`);
      });
    },
    remove,
    [Symbol.dispose]: remove,
  };
}

/** For tasks: notes an event of a task, who runs it and when, and in which pod where that is known. */
export function noteInLedger(path: string, event: 'start' | 'end', id: string): void {
  appendFileSync(path, `${event} ${id} ${process.pid} ${Date.now()} ${process.env['HOSTNAME'] ?? '-'}\n`);
}

/** Counts the lines of a ledger; a last line without its newline (its writer was killed) does not count. */
export function countLedger(text: string): LedgerCounts {
  const starts = new Map<string, number>();
  const ends = new Map<string, number>();
  for (const line of text.split('\n').slice(0, -1)) {
    const [event, id] = line.split(' ');
    const counted = event === 'start' ? starts : event === 'end' ? ends : undefined;
    if (counted === undefined || id === undefined) throw new Error(`not a ledger line: ${line}`);
    counted.set(id, (counted.get(id) ?? 0) + 1);
  }
  return { starts, ends };
}
