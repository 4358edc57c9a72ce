import { extname } from 'node:path';
import type { FileFacts, Fingerprint } from './contracts.ts';

const FAMILIES: Readonly<Record<string, string>> = {
  '.md': 'Markdown',
  '.mdx': 'Markdown',
  '.js': 'JavaScript',
  '.mjs': 'JavaScript',
  '.cjs': 'JavaScript',
  '.ts': 'TypeScript',
  '.mts': 'TypeScript',
  '.cts': 'TypeScript',
  '.json': 'JSON',
};
const LANDMARKS: Readonly<Record<string, string>> = { Markdown: 'headings', JSON: 'top-level keys' };
/** Equal runs of this many minima make two files near copies (probable from about 80 % of common words on). */
const BAND = 8;

interface KindTotals {
  files: number;
  bytes: number;
  lines: number;
  words: number;
  landmarks: number;
}

/** The answer: what all the files amount to. */
export interface Summary {
  readonly kinds: Readonly<Record<string, KindTotals>>;
  readonly largest: FileFacts | undefined;
  /** Files whose content stands in another one too, and the bytes they repeat. */
  readonly duplicates: { readonly files: number; readonly bytes: number; readonly mostCopied: string | undefined };
  /** Files that are no copy of another but share most of their words with one. */
  readonly nearCopies: number;
}

export function summarise(facts: readonly FileFacts[], fingerprints: readonly Fingerprint[]): Summary {
  const kinds: Record<string, KindTotals> = {};
  const byHash = new Map<string, FileFacts[]>();
  let largest: FileFacts | undefined;
  for (const one of facts) {
    const kind = FAMILIES[extname(one.path)] ?? 'other';
    kinds[kind] ??= { files: 0, bytes: 0, lines: 0, words: 0, landmarks: 0 };
    const totals = kinds[kind];
    totals.files += 1;
    totals.bytes += one.bytes;
    totals.lines += one.lines;
    totals.words += one.words;
    totals.landmarks += one.landmarks;
    if (one.bytes > (largest?.bytes ?? -1)) largest = one;
    const same = byHash.get(one.sha256);
    if (same === undefined) byHash.set(one.sha256, [one]);
    else same.push(one);
  }
  const copied = [...byHash.values()].filter((same) => same.length > 1).sort((left, right) => right.length - left.length);
  return {
    kinds,
    largest,
    duplicates: {
      files: copied.reduce((sum, same) => sum + same.length - 1, 0),
      bytes: copied.reduce((sum, same) => sum + (same.length - 1) * (same[0]?.bytes ?? 0), 0),
      mostCopied: copied[0] === undefined ? undefined : `${copied[0].length} x ${copied[0][0]?.path}`,
    },
    nearCopies: countNearCopies(facts, fingerprints),
  };
}

function countNearCopies(facts: readonly FileFacts[], fingerprints: readonly Fingerprint[]): number {
  const hashes = new Map(facts.map((one) => [one.path, one.sha256]));
  const bands = new Map<string, Set<string>>();
  const near = new Set<string>();
  for (const { path, minima } of fingerprints) {
    const sha256 = hashes.get(path);
    if (sha256 === undefined || minima.length === 0) continue;
    for (let band = 0; band < minima.length; band += BAND) {
      const key = `${band}:${minima.slice(band, band + BAND).join(',')}`;
      const others = bands.get(key) ?? new Set();
      if ([...others].some((other) => other !== sha256) && !others.has(sha256)) near.add(path);
      bands.set(key, others.add(sha256));
    }
  }
  return near.size;
}

export function formatSummary(summary: Summary): string {
  const number = (value: number): string => value.toLocaleString('en-US');
  const kinds = Object.entries(summary.kinds).map(([kind, totals]) => {
    return `  ${kind.padEnd(10)} ${number(totals.files).padStart(7)} files ${number(totals.lines).padStart(10)} lines ${number(totals.words).padStart(11)} words ${number(totals.landmarks).padStart(8)} ${LANDMARKS[kind] ?? 'imports'}`;
  });
  const { duplicates, largest } = summary;
  return [
    ...kinds,
    `  largest    ${largest?.path ?? '-'} (${number(largest?.bytes ?? 0)} bytes)`,
    `  copies     ${number(duplicates.files)} files repeat ${number(duplicates.bytes)} bytes; the most copied: ${duplicates.mostCopied ?? '-'}`,
    `  alike      ${number(summary.nearCopies)} more files are nearly the same as another`,
  ].join('\n');
}
