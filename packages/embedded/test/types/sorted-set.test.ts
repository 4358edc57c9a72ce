import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SortedSet } from '../../src/types/sorted-set.ts';

test('keeps order, ranks and ranges as a sorted array does', () => {
  const step = fc.record({ remove: fc.boolean(), member: fc.string({ maxLength: 2 }), score: fc.integer({ min: -5, max: 5 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: -6, max: 6 }), fc.nat(6), (steps, min, width) => {
      const zset = new SortedSet();
      const model = new Map<string, number>();
      for (const { remove, member, score } of steps) {
        if (remove) expect(zset.delete(member)).toBe(model.delete(member));
        else {
          expect(zset.set(member, score)).toBe(!model.has(member));
          model.set(member, score);
        }
      }
      const sorted = [...model].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
      const members = sorted.map(([member]) => member);
      const all = { start: 0, end: zset.size };
      expect(zset.slice(all, false).map((node) => node.member)).toEqual(members);
      expect(zset.slice(all, true).map((node) => node.member)).toEqual(members.toReversed());
      for (const [index, member] of members.entries()) expect(zset.rank(member)).toBe(index);
      const range = zset.ranksByScore({ value: min, exclusive: false }, { value: min + width, exclusive: true });
      const wanted = sorted.filter(([, score]) => score >= min && score < min + width).map(([member]) => member);
      expect(zset.slice(range, false).map((node) => node.member)).toEqual(wanted);
      expect(zset.slice(range, true, 1, 2).map((node) => node.member)).toEqual(wanted.toReversed().slice(1, 3));
    }),
  );
});
