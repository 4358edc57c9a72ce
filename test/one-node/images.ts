// The images of the tests on a real cluster, built without a registry: ours from docker/, a user's built from ours, and one with Python
// Celery. What does not depend on this repository's code is kept in the cache folder.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { KUBE_SCRIPTS } from './why-not.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const BUILD_LIMIT_MS = 600_000;

/** Names, as manifests and values have them. */
export interface ImageNames {
  readonly worker: string;
  readonly autoscaler: string;
  /** A user's: the worker's image and test/one-node/user-image in it. */
  readonly tasks: string;
  /** Python Celery with the same tasks. */
  readonly python: string;
}

/** docker-archive tars on this machine. */
export interface ImageArchives extends ImageNames {
  /** What every pod has beside its containers. */
  readonly pause: string;
}

/** The names of the images in a registry: `PREFIX/celeriac-worker:test` and so on. */
export function imageNames(prefix: string): ImageNames {
  const named = (name: string): string => `${prefix}/${name}:test`;
  return {
    worker: named('celeriac-worker'),
    autoscaler: named('celeriac-autoscaler'),
    tasks: named('celeriac-e2e-tasks'),
    python: named('celeriac-e2e-python'),
  };
}

/** The names of what is built here. */
export const LOCAL_IMAGES: ImageNames = imageNames('docker.io/local');

/** The image without processes that holds a pod together, made first with the base image if it is missing (a minute and a half, once). */
export async function baseArchives(): Promise<{ readonly node: string; readonly pause: string }> {
  const script = join(KUBE_SCRIPTS, 'make-images');
  const folder = join(cacheFolder(), `base-${digestOf([script, process.env['NODE_VERSION'] ?? ''], [script])}`);
  await made(folder, (into) => run(script, [into]));
  return { node: join(folder, 'node.tar'), pause: join(folder, 'pause.tar') };
}

/** Builds our images, and a user's on ours, into `folder`. */
export async function ourArchives(node: string, folder: string): Promise<Pick<ImageArchives, 'worker' | 'autoscaler' | 'tasks'>> {
  const named = ['--name', 'docker.io/local/celeriac-{target}:test', '--out', folder];
  await run(process.execPath, [join(ROOT, 'docker/build.mjs'), 'worker', 'autoscaler', '--engine', 'buildah', '--base', node, ...named]);
  const archive = (name: string): string => join(folder, `celeriac-${name}.tar`);
  await run(join(KUBE_SCRIPTS, 'build-image'), [context('user-image'), LOCAL_IMAGES.tasks, archive('tasks')], {
    BASE_IMAGES: archive('worker'),
  });
  return { worker: archive('worker'), autoscaler: archive('autoscaler'), tasks: archive('tasks') };
}

/** Python Celery's image. Kept: it holds nothing of ours (half a minute, once). */
export async function pythonArchive(node: string): Promise<string> {
  const files = readdirSync(context('python-image')).map((name) => join(context('python-image'), name));
  const folder = join(cacheFolder(), `python-${digestOf([node], files)}`);
  await made(folder, async (into) => {
    mkdirSync(into, { recursive: true });
    const build = [context('python-image'), LOCAL_IMAGES.python, join(into, 'python.tar')];
    await run(join(KUBE_SCRIPTS, 'build-image'), build, { BASE_IMAGES: node });
  });
  return join(folder, 'python.tar');
}

/** A folder of the cache, complete or not there at all. */
async function made(folder: string, make: (into: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  const into = `${folder}.${process.pid}`;
  try {
    await make(into);
    renameSync(into, folder);
  } catch (error) {
    rmSync(into, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

function cacheFolder(): string {
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'celeriac-one-node');
  mkdirSync(folder, { recursive: true });
  return folder;
}

function context(name: string): string {
  return join(import.meta.dirname, name);
}

function digestOf(words: readonly string[], files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const word of words) hash.update(word).update('\0');
  for (const file of files.toSorted()) hash.update(readFileSync(file)).update('\0');
  return hash.digest('hex').slice(0, 12);
}

/** Runs a program to its end; rejects with the end of its output when it fails. */
export function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<void> {
  return new Promise((done, reject) => {
    const options = { cwd: ROOT, env: { ...process.env, ...env }, timeout: BUILD_LIMIT_MS } as const;
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) done();
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code ?? signal}:\n${output.slice(-4_000)}`));
    });
  });
}
