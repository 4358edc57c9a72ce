// A process of its own that outlives a killed autoscaler by a moment: when its standard input closes, it drains the processes whose
// ids it was told and has not been told to forget.

import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const started = new Map<number, string | null>();

/** Tells a process from a later one with the same id; null where the system has no such file. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  const pid = Number(line.slice(1));
  if (!Number.isSafeInteger(pid) || pid <= 1) return;
  if (line.startsWith('+')) started.set(pid, startTime(pid));
  else started.delete(pid);
});
lines.on('close', () => {
  for (const [pid, startedAt] of started) {
    if (startTime(pid) !== startedAt) continue;
    try {
      process.kill(pid, 'SIGTERM');
    } catch {
      // It ended in between.
    }
  }
});
