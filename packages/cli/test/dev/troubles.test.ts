import { expect, test } from 'vitest';
import { createTroubles } from '../../src/dev/troubles.ts';

const TEXT = 'cannot import tasks.ts';

test('a trouble of one edit is news once, whoever tells first', () => {
  const troubles = createTroubles();
  troubles.edited();
  expect(troubles.isNews(TEXT, 'here')).toBe(true);
  expect(troubles.isNews(TEXT, 'worker')).toBe(false);
  troubles.edited();
  expect(troubles.isNews(TEXT, 'worker')).toBe(true);
  expect(troubles.isNews(TEXT, 'here')).toBe(false);
  expect(troubles.isNews(TEXT, 'worker')).toBe(false);
});

test('a worker that tells of an edit before it is noticed here has told of that one', () => {
  const troubles = createTroubles();
  expect(troubles.isNews(TEXT, 'worker')).toBe(true);
  troubles.edited();
  expect(troubles.isNews(TEXT, 'here')).toBe(false);
  troubles.edited();
  expect(troubles.isNews(TEXT, 'here')).toBe(true);
});

test('the same trouble after another edit is news again', () => {
  const troubles = createTroubles();
  for (const _edit of [1, 2, 3]) {
    troubles.edited();
    expect(troubles.isNews(TEXT, 'here')).toBe(true);
  }
});
