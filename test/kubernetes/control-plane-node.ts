// The processes of a control plane: etcd, kube-apiserver, kube-controller-manager and on request kube-scheduler, each a child of ours, with
// a folder of their own. etcd listens on sockets in that folder alone, the API server on one loopback port.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../brokers/free-port.ts';
import { type SpawnedProcess, spawnProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { type KubernetesProgram, kubernetesProgram } from './assets.ts';
import { readKubeconfig, writeKubeconfig } from './kubeconfig.ts';
import { resourcePath } from './objects.ts';
import { createRest } from './rest.ts';

const START_LIMIT_MS = 90_000;
const SERVICE_RANGE = '10.96.0.0/16';
/** Whom the static tokens are for: the file's name, the user, the group. */
const USERS = [
  ['admin', 'admin', 'system:masters'],
  ['controller-manager', 'system:kube-controller-manager', ''],
  ['scheduler', 'system:kube-scheduler', ''],
] as const;

export interface ControlPlaneOptions {
  /** Further flags of kube-apiserver, such as `--watch-cache=false`. A flag given here wins over ours. */
  readonly apiserverArgs?: readonly string[];
  readonly controllerManagerArgs?: readonly string[];
  /** As `--controllers` of kube-controller-manager. Default all but node-lifecycle, so that a Node without heartbeats stays Ready. */
  readonly controllers?: string;
  /** Starts kube-scheduler as well. Default false. */
  readonly scheduler?: boolean;
}

/** What a process other than the one that started it needs to use a control plane. */
export interface ControlPlaneAddress {
  readonly dir: string;
  readonly port: number;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
}

export interface ControlPlaneNode extends ControlPlaneAddress {
  /** The process that runs under a name, as it is now. */
  process(name: 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler'): SpawnedProcess;
  startApiserver(): Promise<void>;
  /** SIGTERM, SIGKILL two seconds later: it waits long for clients that watch. */
  stopApiserver(): Promise<void>;
  stop(): Promise<void>;
}

export async function startControlPlaneNode(options: ControlPlaneOptions = {}): Promise<ControlPlaneNode> {
  const dir = mkdtempSync(join(tmpdir(), 'celeriac-kubernetes-'));
  const running = new Map<string, SpawnedProcess>();
  let [port, server] = [0, ''];

  const launch = async (name: KubernetesProgram, args: readonly string[]): Promise<SpawnedProcess> => {
    const started = spawnProcess(await kubernetesProgram(name), args, { cwd: dir, group: true });
    running.set(name, started);
    return started;
  };
  const stopOne = async (name: string, graceMs = 2_000): Promise<void> => {
    const one = running.get(name);
    one?.signal('SIGCONT');
    await one?.stop(graceMs);
    running.delete(name);
  };
  const stop = async (): Promise<void> => {
    for (const name of ['kube-scheduler', 'kube-controller-manager', 'kube-apiserver', 'etcd']) await stopOne(name);
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  };

  const startApiserver = async (): Promise<void> => {
    const apiserver = await launch('kube-apiserver', [...apiserverFlags(port), ...(options.apiserverArgs ?? [])]);
    await waitFor(apiserver, 'the serving certificate', () => existsSync(join(dir, 'certs/apiserver.crt')));
    if (!existsSync(join(dir, 'kubeconfig'))) writeKubeconfigs(dir, server);
    const rest = createRest(readKubeconfig(join(dir, 'kubeconfig')));
    await waitFor(apiserver, '/readyz', () => rest.raw('GET', '/readyz').catch(() => false));
    rest.close();
  };

  try {
    writeCredentials(dir);
    await launch('etcd', ETCD_FLAGS);
    for (let attempt = 1; ; attempt++) {
      port = await freePort();
      server = `https://127.0.0.1:${port}`;
      try {
        await startApiserver();
        break;
      } catch (error) {
        const taken = /address already in use/.test(running.get('kube-apiserver')?.output() ?? '');
        if (!taken || attempt === 3) throw error;
        await stopOne('kube-apiserver');
        rmSync(join(dir, 'kubeconfig'), { force: true });
      }
    }
    const controllers = options.controllers ?? '*,-node-lifecycle-controller';
    const manager = await launch('kube-controller-manager', [
      ...CONTROLLER_MANAGER_FLAGS,
      ...['--controllers', controllers],
      ...(options.controllerManagerArgs ?? []),
    ]);
    if (options.scheduler === true) await launch('kube-scheduler', SCHEDULER_FLAGS);
    const rest = createRest(readKubeconfig(join(dir, 'kubeconfig')));
    const account = resourcePath('ServiceAccount', 'default', 'default');
    await waitFor(manager, 'the default service account', () => rest.get(account).catch(() => undefined));
    rest.close();
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    dir,
    port,
    kubeconfig: join(dir, 'kubeconfig'),
    process: (name) => {
      const one = running.get(name);
      if (one === undefined) throw new Error(`${name} does not run`);
      return one;
    },
    startApiserver,
    stopApiserver: () => stopOne('kube-apiserver'),
    stop,
  };
}

async function waitFor(by: SpawnedProcess, what: string, ask: () => unknown): Promise<void> {
  let failure: Error | undefined;
  void by.ended.then((end) => {
    failure = new Error(`it ended with ${end.code ?? end.signal} before ${what}:\n${by.output().slice(-4_000)}`);
  });
  const look = async (): Promise<unknown> => {
    if (failure !== undefined) throw failure;
    return ask();
  };
  await until(look, { timeoutMs: START_LIMIT_MS, everyMs: 50, what });
}

/** The key that signs service accounts' tokens, and the static tokens of `USERS`. */
function writeCredentials(dir: string): void {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const write = (name: string, content: string): void => writeFileSync(join(dir, name), content, { mode: 0o600 });
  write('service-account.key', privateKey.export({ type: 'sec1', format: 'pem' }).toString());
  const rows = USERS.map(([name, user, group]) => `${randomBytes(24).toString('hex')},${user},${name},${group}\n`);
  write('tokens.csv', rows.join(''));
}

function writeKubeconfigs(dir: string, server: string): void {
  const ca = readFileSync(join(dir, 'certs/apiserver.crt'), 'utf8');
  for (const row of readFileSync(join(dir, 'tokens.csv'), 'utf8').trim().split('\n')) {
    const [token = '', , name = ''] = row.split(',');
    writeKubeconfig(join(dir, name === 'admin' ? 'kubeconfig' : `${name}.kubeconfig`), { server, ca, token });
  }
}

/** The advertised addresses are there for the flags' sake: nothing listens on them. */
const ETCD_FLAGS: readonly string[] = [
  ...['--name', 'test', '--data-dir', 'etcd', '--unsafe-no-fsync', '--log-level', 'warn'],
  ...['--listen-client-urls', 'unix://etcd.sock', '--advertise-client-urls', 'http://localhost:2379'],
  ...['--listen-peer-urls', 'unix://etcd-peer.sock', '--initial-cluster', 'test=http://localhost:2380'],
];

function apiserverFlags(port: number): readonly string[] {
  return [
    ...['--etcd-servers', 'unix://etcd.sock', '--cert-dir', 'certs', '--profiling=false', '--allow-privileged'],
    ...['--bind-address', '127.0.0.1', '--advertise-address', '127.0.0.1', '--secure-port', String(port)],
    ...['--endpoint-reconciler-type', 'none', '--service-cluster-ip-range', SERVICE_RANGE],
    ...['--token-auth-file', 'tokens.csv', '--authorization-mode', 'Node,RBAC', '--enable-admission-plugins', 'NodeRestriction'],
    ...['--service-account-issuer', 'https://kubernetes.default.svc', '--service-account-key-file', 'service-account.key'],
    ...['--service-account-signing-key-file', 'service-account.key'],
  ];
}

const CONTROLLER_MANAGER_FLAGS: readonly string[] = [
  ...['--kubeconfig', 'controller-manager.kubeconfig', '--leader-elect=false', '--secure-port', '0', '--profiling=false'],
  ...['--use-service-account-credentials', '--service-account-private-key-file', 'service-account.key'],
  ...['--root-ca-file', 'certs/apiserver.crt', '--kube-api-qps', '500', '--kube-api-burst', '1000'],
  ...['--horizontal-pod-autoscaler-sync-period', '1s'],
];

const SCHEDULER_FLAGS: readonly string[] = ['--kubeconfig', 'scheduler.kubeconfig', '--leader-elect=false', '--secure-port', '0'];
