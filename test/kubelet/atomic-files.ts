// The files of a volume that changes while it is read: as a kubelet writes them, in a folder of their own behind the link `..data`, which
// one rename turns to the next folder, so that a reader never sees half of an update.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface VolumeFile {
  readonly content: Buffer;
  readonly mode: number;
}

/** By path within the volume. */
export type VolumeFiles = Readonly<Record<string, VolumeFile>>;

/** Writes them unless they are there as they are. Returns whether it wrote. */
export function writeAtomically(dir: string, files: VolumeFiles): boolean {
  mkdirSync(dir, { recursive: true });
  const data = join(dir, '..data');
  const old = linkTarget(data);
  if (old !== undefined && unchanged(join(dir, old), files)) return false;
  const next = mkdtempSync(`${dir}/..`);
  for (const [path, { content, mode }] of Object.entries(files)) {
    const file = join(next, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode });
  }
  symlinkSync(basename(next), join(dir, '..data_tmp'));
  renameSync(join(dir, '..data_tmp'), data);
  const top = new Set(Object.keys(files).map((path) => path.split('/')[0] ?? path));
  const there = readdirSync(dir).filter((name) => !name.startsWith('..'));
  for (const name of top) if (!there.includes(name)) symlinkSync(join('..data', name), join(dir, name));
  for (const name of there) if (!top.has(name)) rmSync(join(dir, name), { force: true });
  if (old !== undefined) rmSync(join(dir, old), { recursive: true, force: true });
  return true;
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function unchanged(dir: string, files: VolumeFiles): boolean {
  const there = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  if (there.length !== Object.keys(files).length) return false;
  return Object.entries(files).every(([path, { content }]) => {
    try {
      return readFileSync(join(dir, path)).equals(content);
    } catch {
      return false;
    }
  });
}
