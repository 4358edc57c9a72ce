// One pod bound to the test kubelet's node: its containers, what the API is told of it, and its deletion.

import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { resourcePath } from '../kubernetes/objects.ts';
import { ApiRefusal, type Rest } from '../kubernetes/rest.ts';
import { letTimePass } from '../until.ts';
import { containerEnvironment, expandVariables } from './container-environment.ts';
import { realHostnames, startContainerProcess } from './container-process.ts';
import { type ContainerContext, type ContainerRecord, ContainerRun } from './container-run.ts';
import type { FaultBook } from './faults.ts';
import { type Images, imageCommand } from './image.ts';
import { withMachineNames } from './machine-names.ts';
import { HOST_IP } from './node.ts';
import type { Container, Pod } from './pod.ts';
import { kubeTime, type PodCondition, type PodStatus, podStatus } from './pod-status.ts';
import { PodVolumes } from './pod-volumes.ts';

/** An annotation that takes the place of the port of all probes of a pod. */
export const PROBE_PORT_ANNOTATION = 'celeriac.test/probe-port';

const RETRY_MS = 250;

export interface PodRunContext {
  readonly api: Rest;
  readonly faults: FaultBook;
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly backOffBaseMs: number;
  readonly retryMs: number;
  readonly volumeSyncMs: number;
  /** Of the API, as the pods' accounts reach it. */
  readonly server: string;
  readonly images: Images | undefined;
  /** Host names of Services and their addresses. */
  hosts(): Promise<ReadonlyMap<string, string>>;
  command(pod: Pod, container: Container): readonly string[] | null | undefined;
  startDelayMs(pod: Pod): number;
  nextIp(): string;
  /** Resolves at once, or when the kubelet is no longer paused. */
  awake(): Promise<void>;
  noted(record: ContainerRecord): void;
  killed(record: ContainerRecord): void;
  /** The API has no such pod any more and nothing of it runs. */
  gone(run: PodRun): void;
}

export class PodRun {
  readonly #context: PodRunContext;
  readonly #path: string;
  readonly #dir: string;
  readonly #ip: string;
  readonly #startTime: string;
  readonly #containers: readonly ContainerRun[];
  readonly #volumes: PodVolumes;
  #pod: Pod;
  #conditions: readonly PodCondition[];
  #sandbox = false;
  #startTimer: NodeJS.Timeout | undefined;
  #unsaid = false;
  #telling = false;
  #removed = false;

  constructor(context: PodRunContext, pod: Pod) {
    const { namespace = 'default', name, uid = '' } = pod.metadata;
    this.#context = context;
    this.#pod = pod;
    this.#path = resourcePath('Pod', namespace, name);
    this.#dir = join(context.dir, uid);
    this.#ip = context.nextIp();
    this.#startTime = kubeTime(Date.now());
    this.#conditions = pod.status?.conditions ?? [];
    this.#containers = (pod.spec?.containers ?? []).map((container) => new ContainerRun(this.#containerContext(container)));
    this.#volumes = new PodVolumes({
      reader: () => ({ api: context.api, pod: this.#pod, fields: this.#fields() }),
      ...{ dir: this.#dir, syncMs: context.volumeSyncMs, server: context.server },
    });
    mkdirSync(this.#dir, { recursive: true });
  }

  get pod(): Pod {
    return this.#pod;
  }

  get status(): PodStatus {
    const over = this.#containers.every((container) => container.isOver);
    const view = {
      ...{ pod: this.#pod, containers: this.#containers.map((container) => container.status), sandbox: this.#sandbox },
      ...{ podIP: this.#ip, hostIP: HOST_IP, startTime: this.#startTime, over, before: this.#conditions },
    };
    return podStatus(view, Date.now());
  }

  /** Of the first container; `undefined` while none runs. */
  get pid(): number | undefined {
    return this.#containers[0]?.pid;
  }

  output(): string {
    return this.#containers.map((container) => container.output()).join('');
  }

  begin(): void {
    this.#tell();
    this.#startTimer = setTimeout(() => {
      this.#sandbox = true;
      this.#startAll();
    }, this.#context.startDelayMs(this.#pod));
    this.update(this.#pod);
  }

  /** The API has another version of it. */
  update(pod: Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    const { deletionTimestamp, deletionGracePeriodSeconds: graceS = 0, generation } = pod.metadata;
    if (generation !== before.metadata.generation) this.#tell();
    if (deletionTimestamp === undefined || this.#removed) return;
    if (before !== pod && graceS === before.metadata.deletionGracePeriodSeconds) return;
    clearTimeout(this.#startTimer);
    // Without a grace it is taken by force, as if it were gone already: nothing has run out.
    for (const container of this.#containers) {
      if (graceS === 0) container.drop();
      else container.terminate(graceS * 1_000);
    }
  }

  /** It is gone from the API: what runs is ended. */
  remove(): void {
    if (this.#removed) return;
    this.#removed = true;
    void this.drop().then(() => this.#context.gone(this));
  }

  /** A fault began or ended. */
  reconsider(): void {
    if (this.#sandbox) this.#startAll(true);
    this.#tell();
  }

  /** Ends all processes at once. */
  async drop(): Promise<void> {
    this.#removed = true;
    clearTimeout(this.#startTimer);
    this.#volumes.close();
    for (const container of this.#containers) container.drop();
    await Promise.all(this.#containers.map((container) => container.gone()));
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 3 });
  }

  #startAll(onlyBlocked = false): void {
    for (const container of this.#containers) {
      const reason = container.status.state.waiting?.reason;
      if (onlyBlocked && (reason === undefined || reason === 'CrashLoopBackOff')) continue;
      void container.start();
    }
  }

  #tell(): void {
    this.#unsaid = true;
    if (!this.#telling && !this.#removed) void this.#tellAll();
  }

  /** One request at a time, always with the latest; in the end the deletion. */
  async #tellAll(): Promise<void> {
    this.#telling = true;
    while (this.#unsaid && !this.#removed) {
      this.#unsaid = false;
      await this.#context.awake();
      try {
        const { uid } = this.#pod.metadata;
        const status = this.status;
        await this.#context.api.patch(`${this.#path}/status`, { metadata: { uid }, status }, 'strategic');
        this.#conditions = status.conditions ?? [];
        if (this.#mayGo()) await this.#context.api.delete(this.#path, { gracePeriodSeconds: 0, preconditions: { uid } });
      } catch (error) {
        const refusal = error instanceof ApiRefusal ? error : undefined;
        // A conflict with others who write it is no word of its end; another uid is.
        const isAnother = refusal?.status === 409 && !refusal.message.includes('object has been modified');
        if (refusal?.status === 404 || isAnother) this.remove();
        else if (refusal?.status === 422) throw error;
        else {
          this.#unsaid = true;
          await letTimePass(RETRY_MS, 'the API server is away');
        }
      }
    }
    this.#telling = false;
  }

  #mayGo(): boolean {
    if (this.#pod.metadata.deletionTimestamp === undefined || this.#context.faults.find('stuck', this.#pod) !== undefined) return false;
    return this.#containers.every((container) => container.isOver) && !this.#unsaid;
  }

  #containerContext(container: Container): ContainerContext {
    const { faults, backOffBaseMs, retryMs, noted, killed } = this.#context;
    return {
      pod: () => this.#pod,
      container,
      backOffBaseMs,
      retryMs,
      blocked: () => {
        if (this.#pod.spec?.initContainers !== undefined)
          return { reason: 'CreateContainerConfigError', message: 'the test kubelet runs no init containers' };
        const { image = '' } = container;
        if (this.#context.images?.(image) === null)
          return { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}": it is not there` };
        return faults.find('waiting', this.#pod);
      },
      prepare: (id) => this.#prepare(container, id),
      readyOverride: () => faults.find('ready', this.#pod)?.ready,
      changed: () => this.#tell(),
      over: () => this.#tell(),
      noted,
      killed,
    };
  }

  #fields(): Readonly<Record<string, string>> {
    return { 'status.podIP': this.#ip, 'status.hostIP': HOST_IP };
  }

  async #prepare(container: Container, id: string): ReturnType<ContainerContext['prepare']> {
    const { api, faults, env: common, images } = this.#context;
    const { name, annotations } = this.#pod.metadata;
    const replaced = this.#context.command(this.#pod, container);
    const silent = faults.find('silent', this.#pod) !== undefined;
    const pretended = replaced === null && !silent;
    if (!pretended) await this.#volumes.ready();
    const names = {
      ...{ mounts: this.#volumes.mounts(container), hosts: await this.#context.hosts(), podIP: this.#ip, isThere: existsSync },
    };
    const told = (text: string): string => withMachineNames(text, names);
    const image = images?.(container.image ?? '') ?? undefined;
    const account = pretended ? {} : this.#volumes.accountEnvironment(container);
    const own = await containerEnvironment(api, this.#pod, container, this.#fields());
    const given = { ...image?.env, ...own };
    const env = {
      ...common,
      HOSTNAME: name,
      ...account,
      ...Object.fromEntries(Object.entries(given).map(([key, value]) => [key, told(value)])),
    };
    const expand = (part: string): string => told(expandVariables(realHostnames() ? part : part.replaceAll('%h', name), env));
    const written = imageCommand(image, container.command, container.args);
    const argv = silent ? ['sleep', 'infinity'] : replaced === null ? [] : (replaced ?? written).map(expand);
    const cwd = container.workingDir ?? this.#dir;
    const port = annotations?.[PROBE_PORT_ANNOTATION];
    return {
      start: () => startContainerProcess({ argv, env, cwd, hostname: name, id }),
      probed: { container, host: this.#ip, ...(port === undefined ? {} : { port: Number(port) }), env: { ...process.env, ...env }, cwd },
    };
  }
}
