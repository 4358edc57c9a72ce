// Runs the chart through both Helms and through kubeconform, without a cluster. Each process that imports this has Helm folders of its own.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { kubernetesAssets } from '../kubernetes/assets.ts';

export const CHART: string = resolve(import.meta.dirname, '../../helm/celeriac');
export const HELMS = ['helm3', 'helm4'] as const;
export type Helm = (typeof HELMS)[number];

/** How a program ended and what it said. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const SCHEMAS = '{{.ResourceKind}}{{.KindSuffix}}.json';
const AT_ONCE = Math.max(2, availableParallelism());

/** What must be set while Helm runs: nothing of the user's repositories and plug-ins takes part. */
let folder: string | undefined;
function environment(): NodeJS.ProcessEnv {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'celeriac-helm-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  const homes = { HELM_CACHE_HOME: 'cache', HELM_CONFIG_HOME: 'config', HELM_DATA_HOME: 'data' };
  const own = Object.fromEntries(Object.entries(homes).map(([name, part]) => [name, join(folder as string, part)]));
  // A kubeconfig that is not there: none of these commands may ask a cluster.
  // They end before collecting garbage is worth it.
  return { PATH: process.env['PATH'] ?? '', HOME: folder, KUBECONFIG: join(folder, 'none'), GOGC: 'off', ...own };
}

let running = 0;
const waiting: (() => void)[] = [];

/** Runs one of the programs to its end, as many at a time as the machine has processors. Rejects only where it cannot be started. */
export async function runProgram(name: Helm | 'kubeconform' | 'promtool', args: readonly string[], stdin = ''): Promise<Ended> {
  const assets = await kubernetesAssets();
  if ('missing' in assets) throw new Error(assets.missing);
  const program = join(assets.folder, name);
  if (!existsSync(program)) throw new Error(`no ${name} in ${assets.folder}`);
  if (running >= AT_ONCE) await new Promise<void>((go) => waiting.push(go));
  running += 1;
  try {
    return await ended(program, args, stdin);
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}

function ended(program: string, args: readonly string[], stdin: string): Promise<Ended> {
  return new Promise((settle, fail) => {
    const child = spawn(program, args, { env: environment(), stdio: ['pipe', 'pipe', 'pipe'] });
    const out = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        out[name] += text;
      });
    }
    // It may end, for a wrong flag, before it has read everything.
    child.stdin.on('error', () => undefined);
    child.once('error', fail);
    child.once('close', (code) => settle({ code, ...out }));
    child.stdin.end(stdin);
  });
}

/**
 * Where the strict schemas for kubeconform are: CELERIAC_KUBERNETES_SCHEMAS, or `schemas` of the optional folder ../shared/kube.
 * Throws where neither is there.
 */
function schemaLocation(): string {
  const named = process.env['CELERIAC_KUBERNETES_SCHEMAS'];
  const place = named === undefined || named === '' ? resolve(import.meta.dirname, '../../../shared/kube/schemas') : resolve(named);
  if (!existsSync(place)) throw new Error(`no schemas for kubeconform in ${place}; CELERIAC_KUBERNETES_SCHEMAS may name another folder`);
  return join(place, SCHEMAS);
}

/** What kubeconform says against each object of a text of manifests; empty where all is well. Rejects where it checked nothing. */
export async function schemaFaults(manifests: string): Promise<readonly string[]> {
  const said = await runProgram('kubeconform', ['-strict', '-summary', '-output', 'json', '-schema-location', schemaLocation()], manifests);
  const answer = JSON.parse(said.stdout) as {
    readonly resources: readonly { readonly kind: string; readonly name: string; readonly msg: string }[];
    readonly summary: Readonly<Record<'valid' | 'invalid' | 'errors' | 'skipped', number>>;
  };
  if (answer.summary.skipped > 0) throw new Error(`kubeconform skipped ${answer.summary.skipped} objects`);
  if (answer.summary.valid + answer.summary.invalid + answer.summary.errors === 0) throw new Error('kubeconform was given nothing');
  return answer.resources.map(({ kind, name, msg }) => `${kind} ${name}: ${msg}`);
}
