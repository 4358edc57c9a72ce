import { afterAll, describe, expect, test } from 'vitest';
import { type FaultRow, formatRows, SHORT } from './row.ts';
import { FAULT_BROKERS } from './stage.ts';
import { DRAIN_P99_MS, drainP99Ms, faultTests } from './suite.ts';

const rows: FaultRow[] = [];

afterAll(() => {
  process.stdout.write(`\n${formatRows(rows)}\n`);
});

for (const broker of FAULT_BROKERS) {
  describe(`faults on ${broker}`, () => {
    for (const [name, run] of Object.entries(faultTests(20_261_121))) {
      test(`${name}: nothing is lost`, { timeout: 240_000 }, async () => {
        const row = await run(broker, SHORT);
        rows.push(row);
        expect(row.tasks).toBeGreaterThan(0);
        expect(row.lost).toBe(0);
        if (name === 'drains') expect(drainP99Ms(row)).toBeLessThanOrEqual(DRAIN_P99_MS);
      });
    }
  });
}
