import { text as textOf } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { decide } from '../../src/decide/decide.ts';
import { createMetricMakers } from '../../src/http/metric-makers.ts';
import { createDecisionMetrics } from '../../src/http/metrics-decisions.ts';
import type { MetricsPart } from '../../src/http/metrics-part.ts';
import { createNewDecisions } from '../../src/http/new-decisions.ts';
import type { PoolTick } from '../../src/loop/pool-loop.ts';
import { NOW, replica, restedState, seen, spec } from '../pool-fixtures.ts';

const makers = async () => createMetricMakers(await import('prom-client'));
const tickOf = (pool: string, depth: number, atMs: number, mode: 'on' | 'dry-run' = 'on'): PoolTick => {
  const ofSpec = spec({ pool, max: 3, mode });
  const ofSeen = seen(depth, [replica('a')]);
  return { pool, spec: ofSpec, atMs, seen: ofSeen, decision: decide(NOW, ofSpec, ofSeen, restedState()), sampledInMs: 1, tookMs: 1 };
};

type Made = Awaited<ReturnType<typeof makers>>;
async function seriesOf(made: Made, part: MetricsPart, pools: ReadonlyMap<string, PoolTick>): Promise<readonly string[]> {
  const text = await textOf(made.scrape(() => part.write(pools)));
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

it('tells when replicas were last changed, in which direction and why', async () => {
  const made = await makers();
  const part = createDecisionMetrics(made);
  const grown = tickOf('a', 400, NOW);
  const steady = tickOf('a', 4, NOW + 2_000);
  expect([grown.decision.to, steady.decision.to, steady.decision.from]).toEqual([3, 1, 1]);
  const again = { ...grown, atMs: NOW + 500 };
  const dry = tickOf('dry', 400, NOW, 'dry-run');
  for (const tick of [grown, again, dry]) part.observe(tick);
  const pools = new Map(['a', 'dry'].map((pool) => [pool, grown]));
  // Decided again until it is carried out is decided once.
  expect(await seriesOf(made, part, pools)).toEqual([
    `celeriac_decision_timestamp_seconds{pool="a",direction="up",reason="${grown.decision.reason}"} ${NOW / 1_000}`,
  ]);
  for (const tick of [steady, { ...grown, atMs: NOW + 2_500 }]) part.observe(tick);
  expect(await seriesOf(made, part, pools)).toEqual([
    `celeriac_decision_timestamp_seconds{pool="a",direction="up",reason="${grown.decision.reason}"} ${(NOW + 2_500) / 1_000}`,
  ]);
});

it('forgets pools that are gone, and keeps what it knows while another one leads', async () => {
  const made = await makers();
  const part = createDecisionMetrics(made);
  const tick = tickOf('a', 400, NOW);
  part.observe(tick);
  const series = async (pools: ReadonlyMap<string, PoolTick>) => (await seriesOf(made, part, pools)).length === 1;
  expect(await series(new Map())).toBe(false);
  expect(await series(new Map([['a', tick]]))).toBe(true);
  expect(await series(new Map([['b', tick]]))).toBe(false);
  expect(await series(new Map([['a', tick]]))).toBe(false);
});

it('count a decision once, however many turns it takes to carry it out', async () => {
  const tick = tickOf('a', 400, NOW);
  const decided = createNewDecisions();
  expect(decided.of(tick)).toEqual({ direction: 'up', reason: tick.decision.reason });
  expect(decided.of({ ...tick, atMs: NOW + 500 })).toBe(null);
  // Another number is another decision, and so is the same one after it was carried out.
  const less = { ...tick, decision: { ...tick.decision, to: 2 } };
  expect(decided.of(less)).not.toBe(null);
  expect(decided.of(tickOf('a', 4, NOW))).toBe(null);
  expect(decided.of(less)).not.toBe(null);
  decided.forget('a');
  expect(decided.of(less)).not.toBe(null);
});
