// The autoscaler's wall clock is set by hours, forth and back, while pods work and while they idle.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { eventually } from './fleet-checks.ts';
import { STEADY_LEASE, startFleet } from './fleet-rig.ts';
import { expectSafe, runsOf } from './fleet-safety.ts';

const HOURS_2 = 7_200_000;
const scaling = '{ min: 0, max: 4, goal: { queueWait: 3s, expectedTaskTime: 1s, expectedStartTime: 3s }, idleToZero: 12s, downDelay: 12s }';

it.each([
  ['forth', HOURS_2],
  ['back', -HOURS_2],
])('a clock set %s by two hours takes nobody from work, ends no delay early, and holds up nothing', async (_, offsetMs) => {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-clock-'));
  const file = join(folder, 'offset');
  writeFileSync(file, '0');
  try {
    await using fleet = await startFleet({
      broker: 'redis',
      config: STEADY_LEASE,
      autoscalers: 0,
      pools: [{ name: 'load', slots: 1, scaling }],
    });
    const fixture = resolve(import.meta.dirname, 'shifted-date.ts');
    const autoscaler = await fleet.startAutoscaler({ env: { NODE_OPTIONS: `--import=${fixture}`, SHIFTED_DATE_FILE: file } });
    const set = (toMs: number): void => {
      writeFileSync(file, String(toMs));
      autoscaler.process.signal('SIGUSR2');
    };
    const started = (ids: readonly string[]): boolean => ids.every((id) => fleet.ledger.counts().starts.has(id));

    const long = await fleet.publish('load', 1, 15_000);
    await eventually(fleet, 'the long task at work', () => started(long), { timeoutMs: 60_000 });
    const short = await fleet.publish('load', 6, 800);
    set(offsetMs);
    // In the middle of work: it goes on growing and counting.
    const more = await fleet.publish('load', 8, 800);
    await fleet.ledger.allEnded([...short, ...more], 90_000);
    await fleet.ledger.allEnded(long, 60_000);
    const idleAtMs = Math.max(...runsOf(fleet).map(({ endMs }) => endMs));
    // While the pods idle, and the way to zero has begun: back to the true time.
    set(0);
    await fleet.atZero('load');
    const down = fleet.history('load').filter(({ replicas }, index, all) => index > 0 && replicas < (all[index - 1]?.replicas ?? 0));
    // Neither jump made a delay shorter: what was wanted last was wanted until the last task ended.
    const [zero] = down.filter(({ replicas }) => replicas === 0);
    expect(zero?.atMs ?? 0).toBeGreaterThan(idleAtMs + 10_000);

    // And with the clock set again while there is nothing.
    set(offsetMs);
    const again = await fleet.publish('load', 2, 500);
    await fleet.ledger.allEnded(again, 90_000);
    await fleet.atZero('load');
    const ids = [...long, ...short, ...more, ...again];
    expectSafe(fleet, 'load', ids);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
