import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Deque } from '../../src/types/deque.ts';

test('behaves as an array does, through growing and shrinking', () => {
  const step = fc.record({
    what: fc.constantFrom('pushLeft', 'pushRight', 'popLeft', 'popRight', 'insert', 'remove', 'set'),
    value: fc.constantFrom('a', 'b', 'c', 'dd'),
    place: fc.nat(40),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const deque = new Deque();
      let model: string[] = [];
      for (const { what, value, place } of steps) {
        const index = model.length === 0 ? 0 : place % model.length;
        if (what === 'pushLeft') model.unshift(value);
        if (what === 'pushRight') model.push(value);
        if (what === 'pushLeft' || what === 'pushRight') deque[what](value);
        if (what === 'popLeft') expect(deque.popLeft()).toBe(model.shift());
        if (what === 'popRight') expect(deque.popRight()).toBe(model.pop());
        if (what === 'insert') {
          deque.insert(index, value);
          model.splice(index, 0, value);
        }
        if (what === 'set' && model.length > 0) {
          deque.set(index, value);
          model[index] = value;
        }
        if (what === 'remove') {
          let left = 2;
          model = model.filter((item) => item !== value || left-- <= 0);
          deque.remove(value, 2, false);
        }
        expect(deque.size).toBe(model.length);
      }
      expect(deque.slice(0, deque.size)).toEqual(model);
      expect(deque.bytes).toBe(model.join('').length);
      expect(deque.at(-1)).toBe(model.at(-1));
    }),
  );
});
