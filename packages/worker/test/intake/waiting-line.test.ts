import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WaitingLine } from '../../src/intake/waiting-line.ts';

test('behaves as an array does', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('push' as const), value: fc.integer() }),
    fc.record({ kind: fc.constant('unshift' as const), value: fc.integer() }),
    fc.record({ kind: fc.constant('shift' as const) }),
    fc.record({ kind: fc.constant('remove' as const), value: fc.integer({ min: 2, max: 5 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const line = new WaitingLine<number>();
      let model: number[] = [];
      for (const one of steps) {
        if (one.kind === 'push') {
          line.push(one.value);
          model.push(one.value);
        } else if (one.kind === 'unshift') {
          line.unshift(one.value);
          model.unshift(one.value);
        } else if (one.kind === 'shift') expect(line.shift()).toBe(model.shift());
        else {
          const fits = (value: number): boolean => value % one.value === 0;
          expect(line.remove(fits)).toEqual(model.filter(fits));
          model = model.filter((value) => !fits(value));
        }
        expect([line.length, line.peek()]).toEqual([model.length, model[0]]);
      }
    }),
  );
});

test('gives its front back when it has been emptied a long way', () => {
  const line = new WaitingLine<number>();
  for (let i = 0; i < 5_000; i++) line.push(i);
  for (let i = 0; i < 4_000; i++) expect(line.shift()).toBe(i);
  line.push(5_000);
  expect([line.length, line.peek()]).toEqual([1_001, 4_000]);
});
