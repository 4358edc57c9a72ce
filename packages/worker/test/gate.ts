import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file that tasks of the fixtures wait for: they run for as long as the test wants, however slow the machine is. */
export interface Gate extends Disposable {
  /** Not there before `open`. */
  readonly path: string;
  open(): void;
}

/** A closed gate in a folder of its own. */
export function createGate(): Gate {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-gate-'));
  const path = join(folder, 'open');
  return {
    path,
    open: () => writeFileSync(path, ''),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
