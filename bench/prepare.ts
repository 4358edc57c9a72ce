import { spawnSync } from 'node:child_process';

/** Builds the packages, so that what is measured is what is shipped. */
export function prepareBench(root: string, progress: (text: string) => void): void {
  progress('building the packages');
  const built = spawnSync(process.execPath, ['scripts/with-repo-node.mjs', 'turbo', 'run', 'build', '--output-logs=errors-only'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (built.status !== 0) throw new Error('the packages do not build');
}
