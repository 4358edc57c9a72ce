import { expect, test } from 'vitest';
import { expandNodename } from '../src/nodename.ts';

test.each([
  ['celery@%h', 'box.example.com', 'celery@box.example.com'],
  ['w1@%n', 'box.example.com', 'w1@box'],
  ['w1@%d', 'box.example.com', 'w1@example.com'],
  ['w1@%d', 'box', 'w1@'],
  ['w1', 'box', 'w1@box'],
  ['100%%@%h', 'box', '100%@box'],
  ['%x@%h', 'box', '%x@box'],
])('%s on %s is %s', (pattern, host, expected) => {
  expect(expandNodename(pattern, host)).toBe(expected);
});
