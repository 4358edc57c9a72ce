import { describe, expect, it } from 'vitest';
import { comparePolicies } from '../../src/simulate/compare.ts';
import { generateTrace, TRACE_KINDS } from '../../src/simulate/generate.ts';
import { oursScaler } from '../../src/simulate/ours.ts';
import { type SimulationResult, simulate } from '../../src/simulate/simulate.ts';
import type { Arrival } from '../../src/simulate/trace.ts';
import { options, simulatedSpec, tasksAt } from './sim-fixtures.ts';

/** Every change of the number, and the outcome. */
function decisions(
  arrivals: readonly Arrival[],
  everyTurn: boolean,
): { readonly result: SimulationResult; readonly scales: readonly string[] } {
  const scales: string[] = [];
  const at = options(arrivals);
  const spec = simulatedSpec(at);
  const result = simulate(
    at,
    oursScaler({ name: 'ours', spec, everyTurn, onScale: (atMs, { from, to, reason }) => scales.push(`${atMs} ${from} ${to} ${reason}`) }),
  );
  return { result, scales };
}

describe('ours on a simulated clock', () => {
  it.each(TRACE_KINDS)('decides the same where turns that cannot matter are left out: %s', (kind) => {
    const arrivals = generateTrace({
      kind,
      seed: 11,
      durationMs: 3 * 3_600_000,
      ratePerS: kind === 'bursty' ? 0.1 : 0.02,
      meanServiceMs: 30_000,
    });
    const quick = decisions(arrivals, false);
    const every = decisions(arrivals, true);
    expect(quick.scales.length).toBeGreaterThan(20);
    expect(quick).toEqual(every);
  });

  it('goes to zero, sleeps for days, and is there for the next task', () => {
    const { result, scales } = decisions(tasksAt([0, 3 * 86_400], 10), false);
    expect(result).toMatchObject({ waitMaxS: 30, starts: 2, lost: 0, kills: 0, withinGoalRatio: 1 });
    expect(scales.filter((line) => line.includes(' 1 0 ')).length).toBeGreaterThanOrEqual(2);
    // Learnt in the end: nothing is kept for three days.
    expect(result.podHours * 3_600).toBeLessThan(2 * (30 + 10 + 180 + 30));
  });

  it('serves several queues, and never kills or loses a task', () => {
    const arrivals = [...tasksAt([0, 1, 2, 300], 100, 'a'), ...tasksAt([0, 5, 310], 20, 'b')].toSorted(
      (one, other) => one.atMs - other.atMs,
    );
    expect(decisions(arrivals, false).result).toMatchObject({ kills: 0, lost: 0, withinGoalRatio: 1 });
  });

  it('replays 26,000 jobs over 23 days in seconds', () => {
    const arrivals = generateTrace({ kind: 'diurnal', seed: 1, durationMs: 23 * 86_400_000, ratePerS: 0.0133, meanServiceMs: 28_700 });
    expect(arrivals.length).toBeGreaterThan(26_000);
    const before = process.cpuUsage();
    let progress = 0;
    const onProgress = (): void => {
      progress += 1;
    };
    const [ours] = comparePolicies({ ...options(arrivals), onProgress }, ['ours']);
    // Told once in 4,096 steps. With every turn they would be two million; about 2 s of a machine that does nothing else.
    expect(progress).toBeLessThan(120);
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(30_000);
    expect(ours).toMatchObject({ kills: 0, lost: 0 });
  });
});

describe("beside Airflow's formula on bursts", () => {
  it.each([1, 2, 3, 7, 8])('waits less at the 95th percentile for fewer pod-hours and fewer starts, seed %i', (seed) => {
    const arrivals = generateTrace({ kind: 'bursty', seed, durationMs: 6 * 3_600_000, ratePerS: 0.1, meanServiceMs: 30_000 });
    const [ours, airflow] = comparePolicies(options(arrivals, { seed }), ['ours', 'airflow']) as [SimulationResult, SimulationResult];
    expect(ours.waitP95S / airflow.waitP95S).toBeLessThan(0.95);
    expect(ours.podHours / airflow.podHours).toBeLessThan(0.8);
    expect(ours.starts / airflow.starts).toBeLessThan(0.95);
    expect(ours).toMatchObject({ kills: 0, lost: 0 });
  });
});
