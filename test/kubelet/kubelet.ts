// A small kubelet for tests: it binds the pods of a namespace to a Node of its own, runs their containers as real local processes and
// reports, probes, restarts and ends them as a kubelet does. Images are programs of this machine, volumes folders of it, Services addresses
// of its loopback. No init containers.

import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlPlane } from '../kubernetes/control-plane.ts';
import { resourcePath } from '../kubernetes/objects.ts';
import { ApiRefusal } from '../kubernetes/rest.ts';
import { letTimePass } from '../until.ts';
import { realHostnames } from './container-process.ts';
import type { ContainerRecord } from './container-run.ts';
import { createFaultBook, type Fault, type FaultBook, type WaitingReason } from './faults.ts';
import type { Images } from './image.ts';
import { createNode, deleteNode } from './node.ts';
import type { Container, Pod, PodMatch } from './pod.ts';
import { PodRun, type PodRunContext } from './pod-run.ts';
import { followPods } from './pod-watch.ts';
import { createServiceProxies } from './service-proxies.ts';
import { declareUnschedulable } from './unschedulable.ts';

const CAPACITY = { cpu: '1000', memory: '1000Gi', pods: '10000' };
const NO_HOSTS: ReadonlyMap<string, string> = new Map();
const STOP_LIMIT_MS = 3_000;

export interface KubeletOptions {
  readonly controlPlane: ControlPlane;
  readonly namespace: string;
  /** Default `node-NAMESPACE`. */
  readonly nodeName?: string;
  /** Of the Node; default more than any test asks for. */
  readonly capacity?: Readonly<Record<string, string>>;
  /** Binds pods that have no node. Default true; false leaves that to kube-scheduler or to the test. */
  readonly bind?: boolean;
  /** What to run in place of the container's command and args: an argv, `null` for no process at all, `undefined` for no change. */
  readonly command?: (pod: Pod, container: Container) => readonly string[] | null | undefined;
  /** In the environment of every container, beneath the pod's own. Of the test's environment only PATH, HOME and TMPDIR get there. */
  readonly env?: Readonly<Record<string, string>>;
  /** From the binding to the first start, as pulling an image takes. Default 0. */
  readonly startDelayMs?: number | ((pod: Pod) => number);
  /** Of the first delayed restart of a container that crashed; it doubles up to thirty times this. Default 10,000, as Kubernetes has it. */
  readonly restartBackOffMs?: number;
  /** Between two tries to start a container whose Secret or ConfigMap is missing. Default 1,000. */
  readonly retryMs?: number;
  /** Between two looks whether a mounted Secret or ConfigMap has changed. Default 1,000; a kubelet's are a minute apart. */
  readonly volumeSyncMs?: number;
  /** What stands for images. Default: a container runs its command and args, whatever its image. */
  readonly images?: Images;
  /** Lets pods reach the Services of the namespace by their host names in args and environment. Default false. */
  readonly services?: boolean;
  /** Where the pods' accounts reach the API, such as an API proxy's address. Default the control plane's. */
  readonly server?: string;
}

export interface Kubelet {
  readonly nodeName: string;
  /** Whether `gethostname()` in a container is the pod's name, which needs root; the variable HOSTNAME always is. */
  readonly realHostnames: boolean;
  /** Every start of a container so far, the oldest first. */
  readonly records: readonly ContainerRecord[];
  /** The pods of this node as they are now, without asking the API. */
  pods(): readonly Pod[];
  /** Of the pod's first container while it runs. */
  pid(podName: string): number | undefined;
  /** What the pod's running containers wrote so far. */
  output(podName: string): string;
  /** What all containers of pods of this name wrote (a pod's, or the beginning of it up to a dash), those that have ended too. */
  logs(name: string): string;
  /** Pods stay Pending and Unschedulable, as the scheduler says it; pods that have a node already are not touched. */
  holdPending(match: PodMatch, message?: string): Fault;
  /** Containers are not started and wait with this reason. */
  waitingReason(match: PodMatch, reason: WaitingReason, message?: string): Fault;
  /** Containers started from now on run `sleep` in place of their program. */
  silent(match: PodMatch): Fault;
  /** A deleted pod's processes end, but it stays in the API, Terminating. */
  stuckTerminating(match: PodMatch): Fault;
  /** Overrides readiness while the container runs, probes or not. */
  setReady(match: PodMatch, ready: boolean): Fault;
  /** Calls back when a container is ended by SIGKILL because its grace ran out. Returns what ends that. */
  onKilled(listener: (record: ContainerRecord) => void): () => void;
  /** As a node that lost its network: processes go on, nothing is seen, reported or ended until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends every process at once and deletes the Node. Pods stay in the API: delete their namespace. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startKubelet(options: KubeletOptions): Promise<Kubelet> {
  const { controlPlane, namespace } = options;
  const nodeName = options.nodeName ?? `node-${namespace}`;
  const dir = mkdtempSync(join(tmpdir(), 'celeriac-kubelet-'));
  const ended = new AbortController();
  const runs = new Map<string, PodRun>();
  const waiting = new Map<string, Pod>();
  const records: ContainerRecord[] = [];
  const listeners = new Set<(record: ContainerRecord) => void>();
  let paused: { readonly over: Promise<void>; readonly end: () => void } | undefined;
  const faults: FaultBook = createFaultBook(() => {
    for (const run of runs.values()) run.reconsider();
    for (const pod of waiting.values()) void place(pod);
  });

  const context: PodRunContext = {
    api: controlPlane.api,
    faults,
    dir,
    env: options.env ?? {},
    backOffBaseMs: options.restartBackOffMs ?? 10_000,
    retryMs: options.retryMs ?? 1_000,
    volumeSyncMs: options.volumeSyncMs ?? 1_000,
    server: options.server ?? controlPlane.server,
    images: options.images,
    hosts: async () => (options.services === true ? services.hosts() : NO_HOSTS),
    command: (pod, container) => options.command?.(pod, container),
    startDelayMs: (pod) => (typeof options.startDelayMs === 'function' ? options.startDelayMs(pod) : (options.startDelayMs ?? 0)),
    // all of 127.0.0.0/8 is loopback: each pod has an address of its own to listen on
    nextIp: () => `127.${randomInt(64, 128)}.${randomInt(256)}.${randomInt(1, 255)}`,
    awake: async () => paused?.over,
    noted: (record) => void records.push(record),
    killed: (record) => {
      for (const listener of listeners) listener(record);
    },
    gone: (run) => void runs.delete(run.pod.metadata.uid ?? ''),
  };

  const podsNow = (): readonly Pod[] => [...runs.values()].map((run) => ({ ...run.pod, status: run.status }));
  const services = createServiceProxies(controlPlane.api, namespace, podsNow);

  const place = async (pod: Pod): Promise<void> => {
    const held = faults.find('pending', pod);
    const path = resourcePath('Pod', namespace, pod.metadata.name);
    try {
      if (held !== undefined) await declareUnschedulable(controlPlane.api, pod, held.message);
      else {
        const target = { apiVersion: 'v1', kind: 'Node', name: nodeName };
        await controlPlane.api.create(`${path}/binding`, {
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { name: pod.metadata.name },
          target,
        });
      }
    } catch (error) {
      // bound or deleted by somebody else meanwhile, or its namespace is
      if ((error instanceof ApiRefusal && [403, 404, 409].includes(error.status)) || ended.signal.aborted) return;
      await letTimePass(context.retryMs, 'the API server is away or overloaded');
      if (waiting.has(pod.metadata.uid ?? '')) await place(pod);
    }
  };

  const seen = (pod: Pod): void => {
    const { uid = '', deletionTimestamp } = pod.metadata;
    const node = pod.spec?.nodeName;
    if (node === nodeName) {
      waiting.delete(uid);
      const known = runs.get(uid);
      if (known !== undefined) {
        known.update(pod);
        return;
      }
      const run = new PodRun(context, pod);
      runs.set(uid, run);
      run.begin();
    } else if (node === undefined && deletionTimestamp === undefined && options.bind !== false && pod.spec?.schedulingGates === undefined) {
      const known = waiting.has(uid);
      waiting.set(uid, pod);
      if (!known) void place(pod);
    }
  };
  const unseen = (uid: string): void => {
    waiting.delete(uid);
    runs.get(uid)?.remove();
  };

  await createNode(controlPlane.api, nodeName, options.capacity ?? CAPACITY);
  const following = followPods({
    api: controlPlane.api,
    namespace,
    signal: ended.signal,
    awake: context.awake,
    isPaused: () => paused !== undefined,
    seen,
    listed: (uids) => {
      for (const uid of [...runs.keys(), ...waiting.keys()]) if (!uids.has(uid)) unseen(uid);
    },
    deleted: unseen,
  });

  const find = (podName: string): PodRun | undefined => [...runs.values()].findLast((run) => run.pod.metadata.name === podName);
  const resume = (): void => {
    paused?.end();
    paused = undefined;
  };
  const stop = async (): Promise<void> => {
    if (ended.signal.aborted) return;
    ended.abort();
    resume();
    await following.ended;
    await Promise.all([...runs.values()].map((run) => run.drop()));
    await services.stop();
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    const deletion = deleteNode(controlPlane.api, nodeName).catch(() => {});
    await Promise.race([deletion, letTimePass(STOP_LIMIT_MS, 'an API server that is away or frozen does not answer')]);
  };

  return {
    nodeName,
    realHostnames: realHostnames(),
    records,
    pods: podsNow,
    pid: (podName) => find(podName)?.pid,
    output: (podName) => find(podName)?.output() ?? '',
    logs: (name) =>
      records
        .filter(({ pod }) => pod === name || pod.startsWith(`${name}-`))
        .map((record) => `--- ${record.pod} ${record.container} (${record.exitCode ?? 'runs'})\n${record.output()}`)
        .join('\n'),
    holdPending: (match, message = '0/1 nodes are available: 1 Insufficient cpu.') => faults.add({ kind: 'pending', message }, match),
    waitingReason: (match, reason, message = `the test wants ${reason}`) => faults.add({ kind: 'waiting', reason, message }, match),
    silent: (match) => faults.add({ kind: 'silent' }, match),
    stuckTerminating: (match) => faults.add({ kind: 'stuck' }, match),
    setReady: (match, ready) => faults.add({ kind: 'ready', ready }, match),
    onKilled: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    pause: () => {
      if (paused !== undefined) return;
      let end: () => void = () => {};
      const over = new Promise<void>((resolve) => {
        end = resolve;
      });
      paused = { over, end };
      following.cut();
    },
    resume,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
