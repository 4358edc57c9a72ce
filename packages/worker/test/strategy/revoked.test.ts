import { expect, test } from 'vitest';
import { RevokedIds } from '../../src/strategy/revoked.ts';

test('knows an id until it is too old', () => {
  const ids = new RevokedIds({ keptMs: 1_000 });
  ids.add('a', 0);
  expect(ids.has('a', 1_000)).toBe(true);
  expect(ids.has('a', 1_001)).toBe(false);
  expect(ids.list(1_001)).toEqual([]);
  expect(ids.isEmpty).toBe(true);
});

test('forgets the oldest beyond its bound; an id said again counts as new', () => {
  const ids = new RevokedIds({ maxIds: 2 });
  ids.add('a', 0);
  ids.add('b', 1);
  ids.add('a', 2);
  ids.add('c', 3);
  expect(ids.list(3)).toEqual(['a', 'c']);
});
