// Ours at the defaults of `celeriac simulate` beside the Airflow chart's formula on bursts, over several rates and seeds.
// Run: node --conditions=@celeriac/source bench/simulate-airflow.ts

import { cellOf, line, optionsFor, runOne, traceOf } from './simulate-base.ts';

const setting = { goal: 60, downDelay: 30, idleToZero: 30, keepWarm: 4.5, headroom: 0 };
const rows: string[] = [];
let better = 0;
for (const ratePerS of [0.03, 0.05, 0.1, 0.2]) {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const options = optionsFor(traceOf('bursty', seed, ratePerS), setting, { seed });
    const [ours, airflow] = [runOne(options, 'ours'), runOne(options, 'airflow')];
    const holds = ours.waitP95S < airflow.waitP95S && ours.podHours <= airflow.podHours && ours.starts < airflow.starts;
    if (holds) better += 1;
    rows.push(line([`${ratePerS}`, `${seed}`, cellOf(ours), cellOf(airflow), `${ours.kills}`, `${airflow.kills}`, holds ? 'yes' : 'no']));
  }
}
process.stdout.write(
  `${[
    line([
      'tasks/s',
      'seed',
      'ours: p95 wait, pod-hours, starts',
      'Airflow formula',
      'kills, ours',
      'kills, Airflow',
      'better in all three',
    ]),
    line(Array.from({ length: 7 }, () => '---')),
    ...rows,
  ].join('\n')}\n\n${better} of ${rows.length} traces: less wait at the 95th percentile, no more pod-hours, fewer starts.\n`,
);
