// For each of 54 settings of KEDA: is one of ours no worse on wait (p95), cost (pod-hours) and starts? On four kinds of traces, with a
// grace of ten minutes, so that KEDA kills nothing.
// Run: node --conditions=@celeriac/source bench/simulate-grid.ts

import type { CompareOptions, SimulationResult, TraceKind } from '@celeriac/autoscaler';
import { cellOf, line, type OurSetting, optionsFor, runOne, traceOf } from './simulate-base.ts';

const TRACES: readonly { readonly kind: TraceKind; readonly seed: number }[] = [
  { kind: 'bursty', seed: 7 },
  { kind: 'poisson', seed: 7 },
  { kind: 'diurnal', seed: 7 },
  { kind: 'heavy-tailed', seed: 7 },
];
const GRACE_MS = 600_000;

const KEDA: readonly CompareOptions['keda'][] = (['llen', 'in-flight'] as const).flatMap((trigger) =>
  [1, 5, 30].flatMap((poll) =>
    [30, 120, 300].flatMap((cooldown) =>
      [1, 2, 5].map((target) => ({ trigger, pollMs: poll * 1_000, cooldownMs: cooldown * 1_000, target, stabilisationMs: 300_000 })),
    ),
  ),
);

/** Goal, down-delay, idle-to-zero in seconds, keep-warm, headroom. */
const OURS: readonly OurSetting[] = (
  [
    [45, 205, 300, 0, 0],
    [45, 225, 300, 0, 0],
    [45, 210, 300, 0, 0],
    [45, 240, 300, 0, 0],
    [60, 30, 30, 4.5, 0],
    [60, 240, 300, 0, 0],
    [75, 10, 10, 1, 0],
    [75, 30, 30, 7, 0],
    [75, 180, 300, 0, 0.5],
    [90, 60, 60, 2, 0],
    [101, 30, 30, 8.5, 0],
    [103, 30, 30, 7, 0],
    [103, 190, 300, 0, 0],
    [105, 30, 30, 4, 0],
    [118, 150, 150, 3, 0],
    [120, 60, 120, 0, 0],
    [120, 130, 130, 3, 0],
    [122, 10, 10, 0, 0],
    [125, 10, 10, 0, 0],
    [135, 60, 300, 0, 0],
    [150, 10, 10, 0, 0],
    [150, 10, 30, 0, 0],
    [145, 40, 40, 2, 0],
    [150, 60, 60, 2, 0],
    [190, 45, 120, 0, 0],
    [195, 40, 120, 0, 0],
  ] as const
).map(([goal, downDelay, idleToZero, keepWarm, headroom]) => ({ goal, downDelay, idleToZero, keepWarm, headroom }));

const nameOf = ({ goal, downDelay, idleToZero, keepWarm, headroom }: OurSetting): string =>
  `goal ${goal}, down ${downDelay}, idle ${idleToZero}, warm ${keepWarm}, headroom ${headroom}`;

/** How much worse the worst of the three is; 1 or less is no worse in any. */
function worst(ours: SimulationResult, keda: SimulationResult): number {
  return Math.max(ratio(ours.waitP95S, keda.waitP95S), ratio(ours.podHours, keda.podHours), ratio(ours.starts, keda.starts));
}

function ratio(ours: number, theirs: number): number {
  return ours <= theirs ? ours / Math.max(theirs, 1e-9) : ours / Math.max(theirs, 1e-3);
}

let held = 0;
let cells = 0;
for (const { kind, seed } of TRACES) {
  const arrivals = traceOf(kind, seed);
  const ours = OURS.map((setting) => ({ setting, result: runOne(optionsFor(arrivals, setting, { graceMs: GRACE_MS }), 'ours') }));
  const rows = KEDA.map((keda) => {
    const result = runOne(optionsFor(arrivals, OURS[0] as OurSetting, { graceMs: GRACE_MS, keda }), 'keda');
    const best = ours.toSorted((a, b) => worst(a.result, result) - worst(b.result, result))[0];
    if (best === undefined) throw new Error('no setting of ours');
    const by = worst(best.result, result);
    cells += 1;
    if (by <= 1) held += 1;
    const verdict = by <= 1 ? 'yes' : `no: ${((by - 1) * 100).toFixed(1)} % worse in one`;
    const name = `${keda.trigger}, poll ${keda.pollMs / 1_000}, cooldown ${keda.cooldownMs / 1_000}, target ${keda.target}`;
    return line([name, cellOf(result), nameOf(best.setting), cellOf(best.result), verdict]);
  });
  process.stdout.write(
    `${[
      `\n### ${kind}, seed ${seed}: ${arrivals.length} tasks\n`,
      line(['KEDA', 'p95 wait, pod-hours, starts', 'ours', 'p95 wait, pod-hours, starts', 'no worse in all three']),
      line(Array.from({ length: 5 }, () => '---')),
      ...rows,
    ].join('\n')}\n`,
  );
}
process.stdout.write(`\nIn ${held} of ${cells} cells one of our ${OURS.length} settings is no worse on wait, cost and starts.\n`);
