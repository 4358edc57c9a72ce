import { expect, test } from 'vitest';
import { fullBudget, type LogAllowance, spend } from '../../src/pool/prefork/log-budget.ts';

const allowance: LogAllowance = { linesPerSecond: 10, bytesPerSecond: 1_000 };

test('two seconds of lines pass at once, then as many as a second brings; what was dropped is counted', () => {
  let budget = fullBudget(allowance, 0);
  let passed = 0;
  for (let line = 0; line < 50; line += 1) {
    const spent = spend(budget, allowance, 0, 1);
    budget = spent.budget;
    if (spent.pass) passed += 1;
  }
  expect(passed).toBe(20);
  const later = spend(budget, allowance, 100, 1);
  expect(later).toMatchObject({ pass: true, droppedBefore: 30 });
  expect(spend(later.budget, allowance, 100, 1)).toMatchObject({ pass: false, budget: { dropped: 1 } });
});

test('bytes are bounded too, and idle time does not save up without end', () => {
  const budget = fullBudget(allowance, 0);
  expect(spend(budget, allowance, 1e9, 2_001).pass).toBe(false);
  expect(spend(budget, allowance, 1e9, 2_000).pass).toBe(true);
});
