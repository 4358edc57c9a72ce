// What runs on this machine, read from /proc.

import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessRow {
  readonly pid: number;
  readonly parentPid: number;
  /** In clock ticks since boot: tells a process from a later one with the same pid. */
  readonly startedAt: number;
}

/** Every process that has not ended; zombies are left out. */
export function processTable(): readonly ProcessRow[] {
  return readdirSync('/proc').flatMap((name) => {
    const row = /^\d+$/.test(name) ? rowOf(Number(name)) : undefined;
    return row === undefined ? [] : [row];
  });
}

/** The children of a process, their children and so on. What has lost its parent is not found any more: ask before you kill. */
export function descendantsOf(pid: number): readonly ProcessRow[] {
  const table = processTable();
  const found: ProcessRow[] = [];
  const visit = (parent: number): void => {
    for (const row of table) {
      if (row.parentPid !== parent) continue;
      found.push(row);
      visit(row.pid);
    }
  };
  visit(pid);
  return found;
}

/** Those of the processes that still run. */
export function stillRunning(processes: readonly ProcessRow[]): readonly ProcessRow[] {
  return processes.filter((known) => rowOf(known.pid)?.startedAt === known.startedAt);
}

/** The processes whose environment holds the variable with this value. */
export function processesWith(variable: string, value: string): readonly ProcessRow[] {
  return processTable().filter((row) => {
    try {
      return readFileSync(`/proc/${row.pid}/environ`, 'utf8').split('\0').includes(`${variable}=${value}`);
    } catch {
      return false;
    }
  });
}

/** The command line, for messages. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

function rowOf(pid: number): ProcessRow | undefined {
  try {
    // pid (name, which may hold anything) state parent ...; the start time is the 22nd field
    const [state, parent, ...rest] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\)\s/s, '')
      .split(' ');
    return state === 'Z' || state === 'X' ? undefined : { pid, parentPid: Number(parent), startedAt: Number(rest[17]) };
  } catch {
    return undefined;
  }
}

/** Whether every thread of a process is stopped: SIGSTOP takes a moment to reach them all. */
export function isStopped(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
  });
}
