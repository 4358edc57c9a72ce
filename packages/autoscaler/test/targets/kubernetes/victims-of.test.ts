import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SlimPod } from '../../../src/kubernetes/slim.ts';
import { DELETION_COST, deletionCostOf } from '../../../src/targets/kubernetes/pod-facts.ts';
import { victimsOf } from '../../../src/targets/kubernetes/victims-of.ts';
import { NOW } from '../../pool-fixtures.ts';
import { pod, unscheduled } from './slim-fixtures.ts';

const cost = (value: string): Partial<SlimPod> => ({ annotations: { [DELETION_COST]: value } });
const names = (pods: readonly SlimPod[]): readonly string[] => pods.map(({ name }) => name).toSorted();

describe('whom a ReplicaSet deletes', () => {
  it('goes by node, phase, readiness, then cost', () => {
    const pods = [
      pod('dear', cost('2000')),
      pod('plain'),
      pod('cheap', cost('-2000')),
      pod('unready', { ...cost('2000'), ready: false }),
      pod('unknown', { phase: 'Unknown', ...cost('2000') }),
      pod('pending', { phase: 'Pending', ready: false, ...cost('2000') }),
      unscheduled('unassigned', cost('2000')),
    ];
    const order = ['unassigned', 'pending', 'unknown', 'unready', 'cheap', 'plain', 'dear'];
    for (let count = 0; count <= order.length; count += 1) {
      const victims = victimsOf(pods, count);
      expect(victims).toMatchObject({ kind: 'certain' });
      if (victims.kind === 'certain') expect(names(victims.pods)).toEqual(order.slice(0, count).toSorted());
    }
  });

  it('leaves out those it does not count any more', () => {
    const pods = [pod('going', { deletionAtMs: NOW }), pod('failed', { phase: 'Failed' }), pod('done', { phase: 'Succeeded' }), pod('a')];
    expect(victimsOf(pods, 1)).toMatchObject({ kind: 'certain', pods: [{ name: 'a' }] });
  });

  it('is a tie where only age, node or restarts would decide', () => {
    expect(victimsOf([pod('a'), pod('b', { createdAtMs: NOW }), pod('c', cost('1'))], 1)).toMatchObject({
      kind: 'tie',
      between: [{ name: 'a' }, { name: 'b' }],
    });
    expect(victimsOf([pod('a'), pod('b'), pod('c', cost('1'))], 2)).toMatchObject({ kind: 'certain' });
  });

  it.each([
    ['-2000', -2000],
    ['0', 0],
    ['10', 10],
    ['+10', 0],
    ['007', 0],
    ['1.5', 0],
    ['', 0],
    ['-0', 0],
    ['2147483648', 0],
    ['-2147483648', -2147483648],
  ])('reads the cost %j as %d', (written, read) => {
    expect(deletionCostOf(pod('a', cost(written))) + 0).toBe(read);
  });

  it('whoever is certain to go is before whoever stays, in every set of pods', () => {
    const any = fc.record({
      assigned: fc.boolean(),
      phase: fc.constantFrom('Pending', 'Running', 'Unknown'),
      ready: fc.boolean(),
      cost: fc.constantFrom('-2000', '0', '2000'),
    });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 12 }), fc.nat(12), (kinds, count) => {
        const pods = kinds.map((kind, index) =>
          pod(`p${index}`, {
            nodeName: kind.assigned ? 'n' : null,
            phase: kind.phase,
            ready: kind.ready,
            annotations: { [DELETION_COST]: kind.cost },
          }),
        );
        const victims = victimsOf(pods, Math.min(count, pods.length));
        if (victims.kind === 'tie') {
          expect(victims.between.length).toBeGreaterThan(1);
          return;
        }
        expect(victims.pods).toHaveLength(Math.min(count, pods.length));
        // Handing in the pods in another order changes nothing.
        const again = victimsOf(pods.toReversed(), victims.pods.length);
        expect(again.kind === 'certain' && names(again.pods)).toEqual(names(victims.pods));
      }),
    );
  });
});
