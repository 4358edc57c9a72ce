// A real cluster for tests that use it as a user would from outside, with kubectl and helm: the one that a kubeconfig names, or a one-node
// cluster that the whole vitest run shares.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { kubernetesAssets } from '../kubernetes/assets.ts';
import type { KubeList, KubeObject, Manifest } from '../kubernetes/objects.ts';
import { until } from '../until.ts';
import { loadArchive, type OneNodeAddress, startOneNode } from './cluster-node.ts';
import { type ImageArchives, type ImageNames, imageNames, LOCAL_IMAGES } from './images.ts';

export interface RunOptions {
  /** Written to standard input, for `-f -`. */
  readonly stdin?: string;
}

export interface OneNode {
  /** Path of a kubeconfig. */
  readonly kubeconfig: string;
  /** Where pods reach servers of this machine. */
  readonly hostAddress: string;
  readonly images: ImageNames;
  /** The images as files; absent where the cluster is not ours. */
  readonly archives: ImageArchives | undefined;
  /** What programs of ours that talk to the cluster need in their environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Path of a program beside kubectl, or its name where it is on the PATH. */
  program(name: 'kubectl' | 'helm3' | 'helm4'): string;
  /** Imports a docker-archive into the running cluster (up to ten seconds). Throws where the cluster is not ours. */
  load(archive: string): Promise<void>;
  /** Runs kubectl and resolves with its standard output; rejects with standard error. */
  kubectl(args: readonly string[], options?: RunOptions): Promise<string>;
  /** Helm 3 or 4, the same way, with folders of its own. */
  helm(version: 3 | 4, args: readonly string[], options?: RunOptions): Promise<string>;
  /** `kubectl get`, parsed; rejects where it is not there. */
  get<T = KubeObject>(kind: string, namespace: string, name: string): Promise<T>;
  list<T = KubeObject>(kind: string, namespace: string, selector?: string): Promise<readonly T[]>;
  apply(namespace: string, manifests: readonly Manifest[]): Promise<void>;
  /** A namespace that nobody else has, with its default service account in it. */
  createNamespace(prefix?: string): Promise<string>;
  /** Resolves when it is gone, its pods with it. */
  deleteNamespace(name: string): Promise<void>;
  /** Ends the cluster if it is this caller's own; the shared one stays for the other tests. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * The cluster of CELERIAC_E2E_KUBECONFIG, with the images at CELERIAC_E2E_IMAGES and this machine at CELERIAC_E2E_HOST; or the one-node
 * cluster of this vitest run, started by the first who asks (a minute; three without a cache); outside vitest one of the caller's own.
 */
export async function oneNode(): Promise<OneNode> {
  const kubeconfig = process.env['CELERIAC_E2E_KUBECONFIG'] ?? '';
  if (kubeconfig !== '') {
    const images = imageNames(process.env['CELERIAC_E2E_IMAGES'] ?? '');
    return describe({ kubeconfig, hostAddress: process.env['CELERIAC_E2E_HOST'] ?? '' }, images, undefined, async () => {});
  }
  const services = process.env['CELERIAC_TEST_RUN_SERVICES'];
  if (services === undefined) {
    const own = await startOneNode();
    return describe(own, LOCAL_IMAGES, own.archives, own.stop);
  }
  const socket = createConnection(services);
  socket.end('one-node\n');
  const answer = JSON.parse(await text(socket)) as OneNodeAddress | { readonly error: string };
  if ('error' in answer) throw new Error(answer.error);
  return describe(answer, LOCAL_IMAGES, answer.archives, async () => {});
}

async function describe(
  { kubeconfig, hostAddress }: Pick<OneNodeAddress, 'kubeconfig' | 'hostAddress'>,
  images: ImageNames,
  archives: ImageArchives | undefined,
  stopCluster: () => Promise<void>,
): Promise<OneNode> {
  const assets = await kubernetesAssets();
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-helm-'));
  // a machine with a cluster of its own may have its programs on the PATH alone
  const path = 'missing' in assets ? process.env['PATH'] : `${assets.folder}${delimiter}${process.env['PATH']}`;
  const env: Record<string, string> = { KUBECONFIG: kubeconfig, PATH: path ?? '' };
  for (const name of ['CACHE', 'CONFIG', 'DATA']) env[`HELM_${name}_HOME`] = join(folder, name.toLowerCase());
  const program = (name: string): string => ('missing' in assets ? name : join(assets.folder, name));
  const execute = (name: string, args: readonly string[], { stdin = '' }: RunOptions = {}): Promise<string> =>
    runProgram(program(name), args, env, stdin);
  const kubectl: OneNode['kubectl'] = (args, options) => execute('kubectl', ['--cache-dir', join(folder, 'kubectl'), ...args], options);

  const stop = async (): Promise<void> => {
    rmSync(folder, { recursive: true, force: true });
    await stopCluster();
  };
  return {
    kubeconfig,
    hostAddress,
    images,
    archives,
    env,
    program,
    load: async (archive) => {
      if (archives === undefined)
        throw new Error('images cannot be loaded into a cluster that is not ours: push them to CELERIAC_E2E_IMAGES');
      await loadArchive(archive);
    },
    kubectl,
    helm: (version, args, options) => execute(`helm${version}`, args, options),
    get: async <T>(kind: string, namespace: string, name: string) =>
      JSON.parse(await kubectl(['get', kind, name, '-n', namespace, '-o', 'json'])) as T,
    list: async <T>(kind: string, namespace: string, selector?: string) => {
      const chosen = selector === undefined ? [] : ['-l', selector];
      const list = JSON.parse(await kubectl(['get', kind, '-n', namespace, '-o', 'json', ...chosen])) as KubeList<T>;
      return list.items;
    },
    apply: async (namespace, manifests) => {
      const stdin = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests });
      await kubectl(['apply', '-n', namespace, '-f', '-'], { stdin });
    },
    createNamespace: async (prefix = 't') => {
      const name = `${prefix}-${randomBytes(4).toString('hex')}`;
      await kubectl(['create', 'namespace', name]);
      const account = (): Promise<string | undefined> => kubectl(['get', 'serviceaccount', 'default', '-n', name]).catch(() => undefined);
      await until(account, { timeoutMs: 60_000, everyMs: 100, what: `the default service account of ${name}` });
      return name;
    },
    deleteNamespace: async (name) => {
      await kubectl(['delete', 'namespace', name, '--wait', '--timeout', '150s']);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function runProgram(program: string, args: readonly string[], env: Readonly<Record<string, string>>, stdin: string): Promise<string> {
  const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {}); // it may refuse its arguments before it reads
  child.stdin.end(stdin);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.trim() || `exit code ${code}`}\n${stdout}`.trim());
  return stdout;
}
