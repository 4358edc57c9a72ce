import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Holds back the tasks that were given its path until the test says so, however slow the machine is. */
export interface Gate {
  /** There as long as the gate is closed. */
  readonly path: string;
  open(): void;
  /** Opens it: no task waits for a test that has ended. */
  [Symbol.dispose](): void;
}

/** A closed gate. Declare it behind the rig whose tasks wait at it: it is opened first. */
export function createGate(): Gate {
  const path = mkdtempSync(join(tmpdir(), 'celeriac-gate-'));
  const open = (): void => rmSync(path, { recursive: true, force: true });
  return { path, open, [Symbol.dispose]: open };
}
