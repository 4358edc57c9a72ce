import type { Logger } from '@celeriac/brokers';
import type { ApiClient } from './api-client.ts';
import type { ClusterChange, Freshness, WatchedKind, WatchHealth } from './cluster.ts';
import type { Follower, ListWatchLimits } from './follower.ts';
import { type GonePod, GonePods } from './gone-pods.ts';
import { type Kept, ListWatch } from './list-watch.ts';
import { OwnerIndex } from './owner-index.ts';
import { projectDeployment, projectReplicaSet } from './project-deployment.ts';
import { projectPod } from './project-pod.ts';
import { projectQuota } from './project-quota.ts';
import type { SlimDeployment, SlimPod, SlimQuota, SlimReplicaSet } from './slim.ts';

/** What a view of one namespace needs. */
export interface NamespaceViewOptions {
  readonly namespace: string;
  readonly client: ApiClient;
  readonly logger: Logger;
  readonly now: () => number;
  readonly random: () => number;
  readonly listTurn: <R>(list: () => Promise<R>) => Promise<R>;
  readonly limits: Partial<ListWatchLimits>;
  readonly pathOf: (kind: WatchedKind, namespace: string) => string;
  readonly tell: (change: ClusterChange) => void;
}

/** The four list-watches of a namespace and what they tell together. */
export class NamespaceView {
  readonly index: OwnerIndex = new OwnerIndex();
  readonly gone: GonePods = new GonePods();
  /** Resolves when each kind has been listed or was refused. */
  readonly settled: Promise<void>;
  readonly #options: NamespaceViewOptions;
  readonly #deployments: ListWatch<SlimDeployment>;
  readonly #replicaSets: ListWatch<SlimReplicaSet>;
  readonly #pods: ListWatch<SlimPod>;
  readonly #quotas: ListWatch<SlimQuota>;
  readonly #changed = new Set<string>();
  readonly #ended: GonePod[] = [];
  #everythingChanged = false;
  #telling: NodeJS.Immediate | undefined;
  #settle: () => void = () => {};

  constructor(options: NamespaceViewOptions) {
    this.#options = options;
    const { index } = this;
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#deployments = this.#listWatch('deployments', projectDeployment, {
      put: (deployment) => {
        index.putDeployment(deployment);
        this.#note(deployment.name);
      },
      drop: (deployment) => {
        index.dropDeployment(deployment);
        this.#note(deployment.name);
      },
    });
    this.#replicaSets = this.#listWatch('replicasets', projectReplicaSet, {
      put: (replicaSet) => {
        index.putReplicaSet(replicaSet);
        this.#note(replicaSet.deploymentName);
      },
      drop: (replicaSet) => {
        index.dropReplicaSet(replicaSet);
        this.#note(replicaSet.deploymentName);
      },
    });
    this.#pods = this.#listWatch('pods', projectPod, {
      put: (pod) => {
        index.putPod(pod);
        this.#note(index.deploymentOf(pod)?.name);
      },
      drop: (pod) => {
        this.#podEnded(pod);
        index.dropPod(pod);
      },
    });
    this.#quotas = this.#listWatch('resourcequotas', projectQuota, { put: () => this.#noteAll(), drop: () => this.#noteAll() });
  }

  get quotas(): readonly SlimQuota[] {
    return [...this.#quotas.objects.values()];
  }

  start(): void {
    for (const { watch } of this.#watches()) watch.start();
  }

  async close(): Promise<void> {
    clearImmediate(this.#telling);
    await Promise.all(this.#watches().map(({ watch }) => watch.close()));
  }

  freshness(): Freshness {
    const nowMs = this.#options.now();
    let reason: string | null = null;
    let ageMs = 0;
    for (const { kind, watch } of this.#watches()) {
      if (kind === 'resourcequotas') continue;
      const { synced, contactAtMs, error } = watch.state;
      if (!synced) reason ??= `${kind}: ${error ?? 'not listed yet'}`;
      ageMs = Math.max(ageMs, contactAtMs === null ? Number.POSITIVE_INFINITY : nowMs - contactAtMs);
    }
    const unavailable = this.#watches().flatMap(({ kind, watch }) =>
      watch.state.unavailable ? [{ kind, reason: watch.state.error ?? 'refused' }] : [],
    );
    return { synced: reason === null, ageMs, reason, unavailable };
  }

  health(): readonly WatchHealth[] {
    const nowMs = this.#options.now();
    return this.#watches().map(({ kind, watch }) => {
      const { synced, contactAtMs, relists, restarts, differences, objects, error } = watch.state;
      const ageMs = contactAtMs === null ? Number.POSITIVE_INFINITY : nowMs - contactAtMs;
      return { kind, namespace: this.#options.namespace, synced, ageMs, relists, restarts, differences, objects, error };
    });
  }

  #watches(): readonly {
    readonly kind: WatchedKind;
    readonly watch: ListWatch<unknown>;
  }[] {
    return [
      { kind: 'deployments', watch: this.#deployments },
      { kind: 'replicasets', watch: this.#replicaSets },
      { kind: 'pods', watch: this.#pods },
      { kind: 'resourcequotas', watch: this.#quotas },
    ];
  }

  #listWatch<T>(
    kind: WatchedKind,
    project: (object: unknown) => Kept<T> | null,
    follower: Pick<Follower<Kept<T>>, 'put' | 'drop'>,
  ): ListWatch<T> {
    const { namespace, client, logger, now, random, listTurn, limits, pathOf } = this.#options;
    return new ListWatch<T>({
      client,
      path: pathOf(kind, namespace),
      project,
      logger,
      now,
      random,
      listTurn,
      limits,
      follower: { ...follower, turned: () => this.#turned() },
    });
  }

  #podEnded(pod: SlimPod): void {
    const owner = this.index.deploymentOf(pod);
    if (owner === null) return;
    const ended = { pod, deploymentUid: owner.uid, deployment: owner.name, goneAtMs: this.#options.now() };
    if (!this.gone.add(ended)) return;
    this.#ended.push(ended);
    this.#note(owner.name);
  }

  #turned(): void {
    this.#noteAll();
    const known = this.#watches().every(({ watch }) => watch.state.relists > 0 || watch.state.unavailable);
    if (known) this.#settle();
  }

  #noteAll(): void {
    this.#everythingChanged = true;
    this.#tellSoon();
  }

  #note(deployment: string | undefined): void {
    if (deployment === undefined) return;
    this.#changed.add(deployment);
    this.#tellSoon();
  }

  #tellSoon(): void {
    this.#telling ??= setImmediate(() => {
      const deployments = this.#everythingChanged ? [...new Set([...this.index.deployments.keys(), ...this.#changed])] : [...this.#changed];
      const gone = this.#ended.splice(0);
      this.#changed.clear();
      this.#everythingChanged = false;
      this.#telling = undefined;
      this.#options.tell({ namespace: this.#options.namespace, deployments, gone });
    });
  }
}
