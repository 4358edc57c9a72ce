import { type Contract, contract } from '@celeriac/protocol';

/** What one file turned out to be. */
export interface FileFacts {
  readonly path: string;
  readonly bytes: number;
  readonly lines: number;
  readonly words: number;
  /** Headings of a Markdown file, imports of a program, keys of a JSON object. */
  readonly landmarks: number;
  readonly sha256: string;
}

export const indexFile: Contract<[path: string], Record<string, unknown>, FileFacts> = contract<(path: string) => FileFacts>('index.file', {
  params: ['path'],
});

/** A few numbers that are alike for files with much the same words in the same order. */
export interface Fingerprint {
  readonly path: string;
  /** The smallest hashes of all runs of five words, one per hash function; empty for a file of fewer words. */
  readonly minima: readonly number[];
}

export const fingerprintFile: Contract<[path: string], Record<string, unknown>, Fingerprint> = contract<(path: string) => Fingerprint>(
  'index.fingerprint',
  { params: ['path'] },
);
