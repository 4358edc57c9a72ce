import { describe, expect, it } from 'vitest';
import { COST_BEFORE } from '../../../src/targets/kubernetes/pod-facts.ts';
import { RemovalWatch } from '../../../src/targets/kubernetes/removal-watch.ts';
import { NOW } from '../../pool-fixtures.ts';
import { pod } from './slim-fixtures.ts';

const pods = ['a', 'b', 'c', 'd'].map((name) => pod(name));
const without = (...names: readonly string[]) => pods.map((one) => (names.includes(one.name) ? { ...one, deletionAtMs: NOW } : one));
const shrink = (...names: readonly string[]) => {
  const watch = new RemovalWatch();
  const removing = watch.expect(
    pods.filter((one) => names.includes(one.name)),
    pods,
  );
  return { watch, removing };
};

describe('a shrink that was written', () => {
  it('lets those go that it meant, as many as there are too many', () => {
    const { watch, removing } = shrink('b', 'c');
    expect(watch.going(pods, 2)).toEqual(new Set());
    removing.written();
    expect(watch.going(pods, 2)).toEqual(new Set(['uid-b', 'uid-c']));
    // Somebody wants more again before the controller came to it.
    expect(watch.going(pods, 3)).toEqual(new Set(['uid-b']));
    expect(watch.going(without('b', 'c'), 2)).toEqual(new Set());
  });

  it('of an earlier holder of the lease is known by its marks', () => {
    const marked = pods.map((one) => (one.name === 'c' ? { ...one, annotations: { [COST_BEFORE]: '' } } : one));
    expect(new RemovalWatch().going(marked, 3)).toEqual(new Set(['uid-c']));
    expect(new RemovalWatch().going(marked, 4)).toEqual(new Set());
  });

  it('is confirmed by their going', () => {
    const { watch, removing } = shrink('b', 'c');
    removing.written();
    expect(watch.check(pods, 2)).toEqual([]);
    expect(watch.check(without('b'), 2)).toEqual([]);
    expect(watch.check(without('b', 'c'), 2)).toEqual([]);
    expect([watch.took('uid-b'), watch.took('uid-a')]).toEqual([true, false]);
  });

  it('has taken others where those are gone and some of the meant are not; told once', () => {
    const { watch, removing } = shrink('b', 'c');
    removing.written();
    expect(watch.check(without('a'), 2)).toEqual([]);
    expect(watch.check(without('a', 'b'), 2)).toEqual(['a']);
    expect(watch.check(without('a', 'b'), 2)).toEqual([]);
  });

  it('has taken nobody where the number was raised again', () => {
    const { watch, removing } = shrink('b', 'c');
    removing.written();
    expect(watch.check(pods, 4)).toEqual([]);
    expect(watch.going(pods, 2)).toEqual(new Set());
  });

  it('is forgotten where it was not written', () => {
    const { watch, removing } = shrink('b');
    removing.failed();
    expect(watch.going(pods, 3)).toEqual(new Set());
    expect(watch.took('uid-b')).toBe(false);
  });
});
