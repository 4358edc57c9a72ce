// What Prometheus' own tool says of a scrape.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { kubernetesAssets } from '../kubernetes/assets.ts';

/** Resolves with what there is to say of a scrape, one complaint each; rejects where it is no scrape at all. */
export type ScrapeCheck = (text: string) => Promise<readonly string[]>;

/** `promtool check metrics` of the promtool beside the Kubernetes programs; undefined, with a warning, where there is none. */
export async function findScrapeCheck(): Promise<ScrapeCheck | undefined> {
  const assets = await kubernetesAssets();
  const promtool = 'folder' in assets ? join(assets.folder, 'promtool') : '';
  if (existsSync(promtool)) return (text) => check(promtool, text);
  console.warn('no promtool beside the Kubernetes programs: the live scrape is not checked by it');
  return undefined;
}

function check(promtool: string, text: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const child = execFile(promtool, ['check', 'metrics'], (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (code === 0 || code === 3) resolve(`${stdout}${stderr}`.split('\n').filter((line) => line !== ''));
      else reject(new Error(`promtool: ${stdout}${stderr}`, { cause: error }));
    });
    child.stdin?.end(text);
  });
}
