import { boundedPareto, createRandom, exponential, logNormal, type Random } from './random.ts';
import { type Arrival, DEFAULT_QUEUE } from './trace.ts';

/** The kinds of traces that can be made. */
export const TRACE_KINDS = ['poisson', 'bursty', 'diurnal', 'heavy-tailed'] as const;
export type TraceKind = (typeof TRACE_KINDS)[number];

/** What to make. */
export interface TraceOptions {
  readonly kind: TraceKind;
  /** The same seed gives the same trace. */
  readonly seed: number;
  readonly durationMs: number;
  /** Tasks per second, on average over the whole trace. */
  readonly ratePerS: number;
  readonly meanServiceMs: number;
}

/** Spread of service times where they have no heavy tail: half of them below 0.8 of the mean, one in a hundred above 3.8 times it. */
const SIGMA = 0.66;
const DAY_MS = 86_400_000;

/**
 * Makes a trace. Pure: nothing but the options decides.
 * - `poisson`: independent arrivals, log-normal service.
 * - `bursty`: four of five tasks come in bursts of 20 on average (1 to 200, a few big ones), half a second apart within one; the rest in between.
 * - `diurnal`: independent arrivals whose rate swings by 95 % over a day, or over the trace where that is shorter.
 * - `heavy-tailed`: independent arrivals, service by a Pareto distribution of shape 1.3: one in a hundred runs 9 times the mean.
 */
export function generateTrace(options: TraceOptions): readonly Arrival[] {
  const random = createRandom(options.seed);
  const times = options.kind === 'bursty' ? bursts(options, random) : independent(options, random);
  const service = (): number =>
    options.kind === 'heavy-tailed'
      ? boundedPareto(random, options.meanServiceMs, 1.3, 500)
      : logNormal(random, options.meanServiceMs, SIGMA);
  return times.map((atMs) => ({ atMs: Math.round(atMs), serviceMs: Math.max(1, Math.round(service())), queue: DEFAULT_QUEUE }));
}

/** Poisson arrivals, thinned to the rate of the hour. */
function independent({ kind, durationMs, ratePerS }: TraceOptions, random: Random): readonly number[] {
  const swing = kind === 'diurnal' ? 0.95 : 0;
  const periodMs = Math.min(DAY_MS, durationMs);
  const meanGapMs = 1_000 / (ratePerS * (1 + swing));
  const times: number[] = [];
  for (let atMs = exponential(random, meanGapMs); atMs < durationMs; atMs += exponential(random, meanGapMs)) {
    const share = (1 - swing * Math.cos((2 * Math.PI * atMs) / periodMs)) / (1 + swing);
    if (random() < share) times.push(atMs);
  }
  return times;
}

const BURST_SHARE = 0.8;
const BURST_MEAN = 20;
const BURST_MOST = 200;
const WITHIN_BURST_MS = 500;

function bursts({ durationMs, ratePerS }: TraceOptions, random: Random): readonly number[] {
  const times: number[] = [];
  const betweenMs = (BURST_MEAN * 1_000) / (ratePerS * BURST_SHARE);
  for (let startMs = exponential(random, betweenMs); startMs < durationMs; startMs += exponential(random, betweenMs)) {
    const size = Math.round(Math.min(BURST_MOST, boundedPareto(random, BURST_MEAN, 1.3, BURST_MOST)));
    let atMs = startMs;
    for (let task = 0; task < Math.max(1, size) && atMs < durationMs; task += 1) {
      times.push(atMs);
      atMs += exponential(random, WITHIN_BURST_MS);
    }
  }
  const meanGapMs = 1_000 / (ratePerS * (1 - BURST_SHARE));
  for (let atMs = exponential(random, meanGapMs); atMs < durationMs; atMs += exponential(random, meanGapMs)) times.push(atMs);
  return times.toSorted((a, b) => a - b);
}
