import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { defineTask } from '@celeriac/worker';
import { fingerprintFile, indexFile } from './contracts.ts';
import { INDEXED_FOLDER } from './list-files.ts';
import { minHash } from './min-hash.ts';

const IMPORTS = /^\s*(?:import\b|export .* from\b|(?:const|let|var) .*\brequire\()/gm;
const LANDMARKS: Readonly<Record<string, RegExp>> = {
  '.md': /^#{1,6} /gm,
  '.mdx': /^#{1,6} /gm,
  '.json': /^ {2}"[^"]*":/gm,
};

/** Reads one file and counts what is in it. */
export const file = defineTask(indexFile, async (_ctx, path) => {
  const bytes = await readFile(resolve(INDEXED_FOLDER, path));
  const text = bytes.toString('utf8');
  return {
    path,
    bytes: bytes.length,
    lines: text.split('\n').length,
    words: text.match(/\S+/g)?.length ?? 0,
    landmarks: text.match(LANDMARKS[extname(path)] ?? IMPORTS)?.length ?? 0,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
});

/** Reads one file and takes its fingerprint, so that near copies can be found. */
export const fingerprint = defineTask(fingerprintFile, async (_ctx, path) => ({
  path,
  minima: minHash(await readFile(resolve(INDEXED_FOLDER, path), 'utf8')),
}));

/** Fails, to show what a failure looks like. */
export const fail = defineTask('index.fail', (_ctx, message: string) => {
  throw new Error(message);
});
