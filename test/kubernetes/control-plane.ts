// A real Kubernetes control plane for tests: one for the whole vitest run with a namespace for each test, or one of a test's own for faults.
// There is no node in it: test/kubelet plays that.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { isStopped } from '../process-table.ts';
import type { SpawnedProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { kubernetesProgram } from './assets.ts';
import { type ControlPlaneAddress, type ControlPlaneNode, type ControlPlaneOptions, startControlPlaneNode } from './control-plane-node.ts';
import { readKubeconfig, writeKubeconfig } from './kubeconfig.ts';
import { type KubeList, type KubeObject, type Manifest, resourcePath } from './objects.ts';
import { createRest, type Rest } from './rest.ts';

export interface KubectlOptions {
  /** Written to standard input, for `-f -`. */
  readonly stdin?: string;
  /** Default the administrator's. */
  readonly kubeconfig?: string;
}

export interface ControlPlane extends ControlPlaneAddress {
  /** `https://127.0.0.1:PORT`. */
  readonly server: string;
  /** The API as the administrator. */
  readonly api: Rest;
  /** The API as the user of a kubeconfig that `kubeconfigFor` wrote. The caller closes it. */
  apiAs(kubeconfig: string): Rest;
  /** Runs kubectl and resolves with its standard output; rejects with standard error. 0.1 s and more each: not for loops. */
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<string>;
  /** Creates objects over the API, in order, and returns them as the server has them. `namespace` is for those that name none. */
  created(namespace: string, ...objects: readonly Manifest[]): Promise<readonly KubeObject[]>;
  /** `kubectl apply` of YAML or of objects; returns them as the server has them. */
  applied(namespace: string, manifests: string | readonly Manifest[]): Promise<readonly KubeObject[]>;
  /** A namespace with a name nobody else has, or the one given; its default service account is there. */
  createNamespace(name?: string): Promise<string>;
  /** Asks for its deletion. It goes when its pods are gone, for which somebody has to play the kubelet. */
  deleteNamespace(name: string): Promise<void>;
  /** Writes a kubeconfig with a token of the service account's own (TokenRequest, one hour) and returns its path. */
  kubeconfigFor(namespace: string, serviceAccount: string): Promise<string>;
  /** Ends the control plane if it is this caller's own; the shared one stays for the other tests. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface OwnControlPlane extends ControlPlane {
  /** Stops the API server and starts it again: same port, same certificate, same etcd. */
  restartApiserver(): Promise<void>;
  stopApiserver(): Promise<void>;
  startApiserver(): Promise<void>;
  /** SIGSTOP and SIGCONT: connections stay open, nothing is answered from when it resolves. */
  freezeApiserver(): Promise<void>;
  thawApiserver(): void;
  /** The same for the controllers: what is written stays without effect. */
  freezeControllers(): Promise<void>;
  thawControllers(): void;
  /** The end of what a process wrote, for messages. */
  log(name: 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler'): string;
}

/** The control plane that this vitest run shares, started by the first who asks (5 s); outside vitest one of the caller's own. */
export async function sharedControlPlane(): Promise<ControlPlane> {
  const services = process.env['CELERIAC_TEST_RUN_SERVICES'];
  if (services === undefined) return startControlPlane();
  const socket = createConnection(services);
  socket.end('kubernetes\n');
  const answer = JSON.parse(await text(socket)) as ControlPlaneAddress | { readonly error: string };
  if ('error' in answer) throw new Error(answer.error);
  return describe(answer, async () => {});
}

/** A control plane of the caller's own (5 s, 450 MB): for outages and special flags. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<OwnControlPlane> {
  const node = await startControlPlaneNode(options);
  return { ...describe(node, () => node.stop()), ...faults(node) };
}

function faults(node: ControlPlaneNode): Omit<OwnControlPlane, keyof ControlPlane> {
  return {
    restartApiserver: async () => {
      await node.stopApiserver();
      await node.startApiserver();
    },
    stopApiserver: node.stopApiserver,
    startApiserver: node.startApiserver,
    freezeApiserver: () => freeze(node.process('kube-apiserver')),
    thawApiserver: () => node.process('kube-apiserver').signal('SIGCONT'),
    freezeControllers: () => freeze(node.process('kube-controller-manager')),
    thawControllers: () => node.process('kube-controller-manager').signal('SIGCONT'),
    log: (name) => node.process(name).output().slice(-8_000),
  };
}

async function freeze(process: SpawnedProcess): Promise<void> {
  process.signal('SIGSTOP');
  await until(() => isStopped(process.pid), { everyMs: 1, what: `process ${process.pid} stopped` });
}

function describe(address: ControlPlaneAddress, stopNode: () => Promise<void>): ControlPlane {
  const { dir, port, kubeconfig } = address;
  const access = readKubeconfig(kubeconfig);
  const api = createRest(access);
  const kubectl: ControlPlane['kubectl'] = (args, options = {}) => runKubectl(options.kubeconfig ?? kubeconfig, dir, args, options.stdin);
  const stop = async (): Promise<void> => {
    api.close();
    await stopNode();
  };
  return {
    dir,
    port,
    kubeconfig,
    server: access.server,
    api,
    apiAs: (path) => createRest(readKubeconfig(path)),
    kubectl,
    created: async (namespace, ...objects) => {
      const made: KubeObject[] = [];
      for (const object of objects) {
        const home = object.metadata.namespace ?? namespace;
        made.push(await api.create(resourcePath(object.kind, home), object));
      }
      return made;
    },
    applied: async (namespace, manifests) => {
      const stdin = typeof manifests === 'string' ? manifests : JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests });
      const answer = JSON.parse(await kubectl(['apply', '-n', namespace, '-o', 'json', '-f', '-'], { stdin })) as KubeObject | KubeList;
      return 'items' in answer ? (answer as KubeList).items : [answer];
    },
    createNamespace: async (name = `t-${randomBytes(5).toString('hex')}`) => {
      await api.create(resourcePath('Namespace'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      const account = resourcePath('ServiceAccount', name, 'default');
      await until(() => api.get(account).catch(() => undefined), { timeoutMs: 30_000, what: `the default service account of ${name}` });
      return name;
    },
    deleteNamespace: async (name) => {
      await api.delete(resourcePath('Namespace', undefined, name));
    },
    kubeconfigFor: async (namespace, serviceAccount) => {
      const path = resourcePath('ServiceAccount', namespace, serviceAccount, 'token');
      const asked = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3_600 } };
      const { status } = await api.create<KubeObject<unknown, { readonly token: string }>>(path, asked);
      const file = join(dir, `${namespace}.${serviceAccount}.${randomBytes(3).toString('hex')}.kubeconfig`);
      writeKubeconfig(file, { ...access, token: status?.token ?? '' }, namespace);
      return file;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function runKubectl(kubeconfig: string, dir: string, args: readonly string[], stdin?: string): Promise<string> {
  const program = await kubernetesProgram('kubectl');
  const cache = ['--cache-dir', join(dir, 'kubectl-cache')];
  const child = spawn(program, ['--kubeconfig', kubeconfig, ...cache, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => {}); // it may refuse its arguments before it reads
  child.stdin.end(stdin ?? '');
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr.trim() || `exit code ${code}`}`);
  return stdout;
}
