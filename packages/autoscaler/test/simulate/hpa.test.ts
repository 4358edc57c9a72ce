import { describe, expect, it } from 'vitest';
import { comparePolicies } from '../../src/simulate/compare.ts';
import { evaluateHpa, type HpaState, noHpaState } from '../../src/simulate/hpa.ts';
import { options, tasksAt } from './sim-fixtures.ts';

const input = { metrics: [{ total: 80, target: 2 }], replicas: 1, min: 1, max: 100, stabilisationMs: 300_000 };

describe("the HPA's evaluation", () => {
  it('climbs by the larger of 4 and 100 % in 15 s', () => {
    let state: HpaState = noHpaState;
    let replicas = 1;
    const seen = [replicas];
    for (let sync = 0; sync < 5; sync += 1) {
      ({ replicas, state } = evaluateHpa(sync * 15_000, { ...input, replicas }, state));
      seen.push(replicas);
    }
    expect(seen).toEqual([1, 5, 10, 20, 40, 40]);
  });

  it.each([
    ['within a tenth of the target stays', [{ total: 21, target: 2 }], 10, 10],
    [
      'takes the largest of several metrics',
      [
        { total: 2, target: 2 },
        { total: 22, target: 2 },
      ],
      10,
      11,
    ],
    ['stays within max', [{ total: 500, target: 2 }], 60, 100],
    ['goes no lower than min', [{ total: 0, target: 2 }], 1, 1],
  ])('%s', (_, metrics, replicas, expected) => {
    expect(evaluateHpa(0, { ...input, metrics, replicas }, noHpaState).replicas).toBe(expected);
  });

  it('shrinks to the highest wish of its window only', () => {
    const high = evaluateHpa(0, { ...input, metrics: [{ total: 20, target: 2 }], replicas: 10 }, noHpaState).state;
    const low = { ...input, metrics: [{ total: 2, target: 2 }], replicas: 10 };
    const held = evaluateHpa(299_000, low, high);
    expect(held.replicas).toBe(10);
    expect(evaluateHpa(301_000, low, held.state).replicas).toBe(1);
  });
});

describe('KEDA on a simulated cluster', () => {
  it('sees a running task by in-flight and not by the length of the queue, and kills it by that', () => {
    // One task of ten minutes: LLEN is 0 as soon as it runs, and the cooldown is over long before it ends.
    const run = (trigger: 'llen' | 'in-flight') => {
      const keda = { trigger, pollMs: 5_000, cooldownMs: 60_000, target: 2, stabilisationMs: 300_000 };
      const [result] = comparePolicies(options(tasksAt([0], 600), { keda, ack: 'early' }), ['keda']);
      return result;
    };
    expect(run('llen')).toMatchObject({ kills: 1, lost: 1 });
    expect(run('in-flight')).toMatchObject({ kills: 0, lost: 0, starts: 1 });
  });

  it('activates at a poll, goes back to zero after the cooldown', () => {
    const [airflow] = comparePolicies(options(tasksAt([0], 10)), ['airflow']);
    expect(airflow?.waitMaxS).toBeGreaterThan(30);
    expect(airflow?.waitMaxS).toBeLessThanOrEqual(35);
    // 30 s of cold start and 10 s of work, then a cooldown of 30 s seen at a poll within 5 s.
    expect((airflow?.podHours ?? 0) * 3_600).toBeGreaterThanOrEqual(70);
    expect((airflow?.podHours ?? 0) * 3_600).toBeLessThan(81);
  });
});
