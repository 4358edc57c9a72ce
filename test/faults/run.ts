// `npm run test:faults [-- --only kills,drains] [-- --broker redis] [-- --seed N]`: the long run, one line per row; exit 1 when a task was lost.

import { parseArgs } from 'node:util';
import { type FaultRow, formatRows, LONG } from './row.ts';
import { FAULT_BROKERS } from './stage.ts';
import { DRAIN_P99_MS, drainP99Ms, faultTests } from './suite.ts';

const { values: flags } = parseArgs({ options: { only: { type: 'string' }, broker: { type: 'string' }, seed: { type: 'string' } } });
const seed = Number(flags.seed ?? Date.now() % 1_000_000);
const only = flags.only?.split(',');
process.stdout.write(`seed ${seed}\n`);

const rows: FaultRow[] = [];
for (const broker of FAULT_BROKERS.filter((name) => flags.broker === undefined || flags.broker === name)) {
  for (const [name, run] of Object.entries(faultTests(seed))) {
    if (only !== undefined && !only.includes(name)) continue;
    process.stderr.write(`${broker}: ${name} ...\n`);
    const row = await run(broker, LONG);
    rows.push(row);
    process.stderr.write(`${formatRows([row])}\n`);
  }
}
process.stdout.write(`${formatRows(rows)}\n`);
const slowDrain = rows.some((row) => drainP99Ms(row) > DRAIN_P99_MS);
process.exitCode = rows.some((row) => row.lost > 0) || slowDrain ? 1 : 0;
