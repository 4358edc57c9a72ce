import type { HighWaterEntry } from './high-water.ts';

// How long it takes until a number of replicas is needed again, learnt from a pool's own past: is an idle replica worth keeping?

/** What has been learnt of a pool's gaps. Plain data. */
export interface Gaps {
  /** When each number was last needed: strictly falling, oldest and highest first; the last entry is what is needed now. */
  readonly needed: readonly HighWaterEntry[];
  /** How many gaps ended within each of {@link EDGES_MS}, and how many did not end; older ones count less. One row for each class. */
  readonly counts: readonly (readonly number[])[];
  /** Replicas needed on average over the last half hour or so, as of the last change. */
  readonly mean: number;
  /** When what is needed last changed, epoch ms. */
  readonly changedAtMs: number;
}

/** Nothing learnt. */
export const noGaps: Gaps = { needed: [], counts: [], mean: 0, changedAtMs: 0 };

/** Upper ends of the bins, ms: each half as long again as the one before, from 5 s to about 10 minutes. */
const EDGES_MS: readonly number[] = Array.from({ length: 13 }, (_, index) => Math.round(5_000 * 1.5 ** index));
const LONGEST_MS = EDGES_MS.at(-1) as number;
/** Replicas 1, 2 to 3, 4 to 7, 8 to 15, and all beyond learn apart: the first is needed far more often than the tenth. */
const CLASSES = 5;
const FADE = 0.97;
const MEAN_OVER_MS = 1_800_000;
/** Gaps a class counts as known. */
const ENOUGH = 2;

/** What was learnt after a look at which `replicas` were needed. */
export function learnGaps(gaps: Gaps, atMs: number, replicas: number): Gaps {
  const before = gaps.needed.at(-1)?.replicas ?? 0;
  let counts = gaps.counts;
  let kept = gaps.needed;
  // What has not been needed for longer than any bin will not have been worth keeping.
  while (kept.length > 0 && (kept[0] as HighWaterEntry).atMs + LONGEST_MS < atMs) {
    const [gone, next] = kept as [HighWaterEntry, HighWaterEntry | undefined];
    const floor = next?.replicas ?? 0;
    if (gone.replicas > floor) counts = count(counts, floor, gone.replicas, EDGES_MS.length);
    kept = kept.slice(1);
  }
  if (replicas > before) {
    let from = before;
    for (const entry of kept.toReversed()) {
      const to = Math.min(replicas, entry.replicas);
      if (to <= from) continue;
      counts = count(counts, from, to, binOf(atMs - entry.atMs));
      from = to;
    }
  }
  const needed = [...kept.filter((entry) => entry.replicas > replicas), { atMs, replicas }];
  if (replicas === before) return { ...gaps, needed, counts };
  const share = gaps.changedAtMs === 0 ? 1 : Math.exp((gaps.changedAtMs - atMs) / MEAN_OVER_MS);
  return { needed, counts, mean: before + (gaps.mean - before) * share, changedAtMs: atMs };
}

/**
 * How many replicas to keep for what may come: as many as were needed so lately that waiting on is expected to cost less than releasing
 * them and paying for a start when they are needed again.
 * @param startWorthMs how long an idle replica may stay for one start saved in a pool that mostly needs none; one that needs more may keep
 * more, by the root of them
 * @returns the number and until when it stands; null where none is worth keeping
 */
export function worthKeeping(
  gaps: Gaps,
  nowMs: number,
  startWorthMs: number,
): { readonly replicas: number; readonly untilMs: number } | null {
  const worthMs = Math.round(startWorthMs * Math.sqrt(1 + gaps.mean));
  for (const [index, entry] of gaps.needed.entries()) {
    if (entry.replicas === 0) break;
    const below = gaps.needed[index + 1]?.replicas ?? 0;
    for (let level = classOf(entry.replicas); level >= classOf(below + 1); level -= 1) {
      const untilMs = entry.atMs + holdMs(gaps.counts[level] ?? [], worthMs);
      if (untilMs <= nowMs) continue;
      const replicas = Math.min(entry.replicas, level === CLASSES - 1 ? entry.replicas : 2 ** (level + 1) - 1);
      const oldest = gaps.needed[0] as HighWaterEntry;
      return { replicas, untilMs: Math.min(untilMs, oldest.atMs + LONGEST_MS + 1) };
    }
  }
  return null;
}

/** How long to wait for the end of a gap: where the mean of what is waited and of what starts cost is least. */
function holdMs(counts: readonly number[], startWorthMs: number): number {
  const total = counts.reduce((sum, number) => sum + number, 0);
  // Nothing known: as long as a start is worth, which costs at most twice of the best.
  if (total < ENOUGH) return Math.min(startWorthMs, LONGEST_MS);
  let best = 0;
  let least = total * startWorthMs;
  let caught = 0;
  let waited = 0;
  for (const [bin, edgeMs] of EDGES_MS.entries()) {
    caught += counts[bin] ?? 0;
    waited += (counts[bin] ?? 0) * edgeMs;
    const cost = waited + (total - caught) * (edgeMs + startWorthMs);
    if (cost < least) {
      least = cost;
      best = edgeMs;
    }
  }
  return best;
}

function count(counts: readonly (readonly number[])[], above: number, upTo: number, bin: number): readonly (readonly number[])[] {
  const next = Array.from({ length: CLASSES }, (_, index) => counts[index] ?? []);
  for (let level = classOf(above + 1); level <= classOf(upTo); level += 1) {
    const row = Array.from({ length: EDGES_MS.length + 1 }, (_, index) => (next[level]?.[index] ?? 0) * FADE);
    row[bin] = (row[bin] ?? 0) + 1;
    next[level] = row;
  }
  return next;
}

function classOf(replicas: number): number {
  return Math.min(CLASSES - 1, Math.floor(Math.log2(Math.max(1, replicas))));
}

function binOf(gapMs: number): number {
  const bin = EDGES_MS.findIndex((edgeMs) => gapMs <= edgeMs);
  return bin < 0 ? EDGES_MS.length : bin;
}
