import { createControlClient, type Logger, type QueueAdmin, silentLogger } from '@celeriac/brokers';
import { CeleriacError } from '@celeriac/protocol';
import type { AutoscalerOptions } from './autoscaler-options.ts';
import { type BudgetLedger, createBudgetLedger } from './budget/ledger.ts';
import { createSteadyClock, type SteadyClock, wallClock } from './clock/steady-clock.ts';
import type { PoolConfig } from './config/pools-config.ts';
import type { Orders, ScheduleSeen } from './decide/seen.ts';
import { createFleetIndex } from './fleet/fleet-index.ts';
import { createFleetWatch, type FleetWatch } from './fleet/fleet-watch.ts';
import { createWorkerControl } from './fleet/worker-control.ts';
import { type Explanation, explain } from './journal/explain.ts';
import { createJournal, type Journal } from './journal/journal.ts';
import type { KubernetesConnection } from './kubernetes/connection.ts';
import { LazyConnection } from './kubernetes/lazy-connection.ts';
import type { LeaderLabel } from './lease/leader-label.ts';
import type { Lease } from './lease/lease.ts';
import { leasePlaceOf } from './lease/lease-place.ts';
import { createLease } from './lease/registry.ts';
import { singleLease } from './lease/single.ts';
import { rhythmOf } from './loop/pace.ts';
import { PoolLoop, type PoolTick } from './loop/pool-loop.ts';
import { startUpkeep, type Upkeep } from './loop/upkeep.ts';
import { type BrokerFacts, type BrokerFactsReader, createBrokerFacts } from './samplers/broker-facts.ts';
import { createDepthReader } from './samplers/depth-reader.ts';
import { nextDueSampler } from './samplers/next-due.ts';
import { createSchedules } from './schedule/schedules.ts';
import { createTally, type Tally } from './tally/tally.ts';
import type { OrphanGuard } from './targets/local/orphan-guard.ts';
import { createTarget } from './targets/registry.ts';
import type { Target, TargetReplica } from './targets/target.ts';
import { unavailable, valueOr } from './window/sample.ts';

/** How long one reading may take, ms. */
const SAMPLE_LIMIT_MS = 3_000;

interface RunningPool {
  readonly config: PoolConfig;
  readonly target: Target;
  readonly loop: PoolLoop;
}

/** Scales pools from and to zero until it is stopped. */
export class Autoscaler {
  readonly journal: Journal;
  /** What has happened since the start, counted. */
  readonly tally: Tally = createTally();
  readonly #options: AutoscalerOptions;
  readonly #logger: Logger;
  readonly #clock: SteadyClock;
  readonly #now: () => number;
  #lease: Lease;
  readonly #cluster: LazyConnection;
  readonly #fleet: FleetWatch;
  readonly #concerned = createFleetIndex<string>();
  readonly #listeners = new Set<(tick: PoolTick) => void>();
  #pools: readonly RunningPool[] = [];
  #byName: ReadonlyMap<string, RunningPool> = new Map();
  #guard: OrphanGuard | undefined;
  #upkeep: Upkeep | undefined;
  #ledger: BudgetLedger | undefined;
  readonly #brokerFacts: BrokerFactsReader;
  #leaseChanges = 0;
  #label: LeaderLabel | undefined;
  #stopping: Promise<readonly string[]> | undefined;

  constructor(options: AutoscalerOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#clock = options.now === undefined ? createSteadyClock() : wallClock(options.now);
    this.#now = () => this.#clock.now();
    this.#lease = options.lease ?? singleLease();
    this.#cluster = new LazyConnection({ config: options.config, env: options.env, logger: this.#logger, now: this.#now });
    this.journal = createJournal({ file: options.journalFile, logger: this.#logger });
    const queues = options.config.pools.flatMap(({ spec }) => spec.queues.map(({ name }) => name));
    this.#brokerFacts = createBrokerFacts({ transport: options.transport, queues, now: this.#now, logger: this.#logger });
    this.#fleet = createFleetWatch({ bus: options.transport.bus, now: this.#now, logger: this.#logger });
  }

  /** Begins. Rejects with CELERIAC_E_CONFIG for a pool that cannot be run; a broker that is away is waited for. */
  async start(): Promise<void> {
    const { config, transport } = this.#options;
    this.#lease = this.#options.lease ?? (await createLease(await leasePlaceOf(config, () => this.#cluster.open(), this.#logger)));
    const control = createWorkerControl(createControlClient({ bus: transport.bus, now: () => this.#clock.latest() }), this.#now);
    const nextDue = nextDueSampler({ admin: { nextDueMs: () => this.#nextDueMs() }, now: this.#now, limitMs: SAMPLE_LIMIT_MS });
    const depths = createDepthReader({ admin: transport.queues, limitMs: SAMPLE_LIMIT_MS });
    const schedule = await createSchedules(config.pools);
    const targets = await Promise.all(config.pools.map((pool) => this.#target(pool)));
    const ledger = createBudgetLedger({
      pools: config.pools,
      budgets: config.budgets ?? new Map(),
      look: (pool) => this.#running(pool)?.target.look(this.#now()).replicas ?? unavailable('not there yet', this.#now()),
      wake: (pool) => this.#running(pool)?.loop.wake(),
    });
    this.#ledger = ledger;
    // Before the loops hear of it: another holder has acted in between.
    this.#lease.onChange(() => ledger.forget());
    this.#lease.onChange(() => {
      this.#leaseChanges += 1;
    });
    this.#pools = config.pools.map((pool, index) => {
      const target = targets[index];
      if (target === undefined) throw new CeleriacError('CELERIAC_E_CONFIG', `pool ${pool.spec.pool} has no target`);
      const loop = new PoolLoop({
        spec: pool.spec,
        target,
        admin: transport.queues,
        depths,
        rhythm: rhythmOf(pool.spec.pool, config.pools.length),
        fleet: this.#fleet,
        control,
        nextDue,
        journal: this.journal,
        lease: this.#lease,
        grant: (name) => ledger.grant(name),
        schedule: (name, atMs) => this.#onClock(schedule(name, this.#clock.toWall(atMs))),
        logger: this.#logger,
        now: this.#now,
        onTick: (tick) => this.#ticked(tick),
        onReplicas: (replicas) => this.#concerned.place(pool.spec.pool, replicas),
      });
      return { config: pool, target, loop };
    });
    this.#byName = new Map(this.#pools.map((pool) => [pool.loop.spec.pool, pool]));
    this.#fleet.onChange((nodenames) => {
      for (const pool of this.#concerned.ownersOf(nodenames)) this.#running(pool)?.loop.wake();
    });
    this.#fleet.start();
    await this.#followWithLabel();
    await this.#lease.start();
    this.#upkeep = startUpkeep({ transport, nextDue, now: this.#now, logger: this.#logger, onDue: () => this.wake() });
    this.wake();
  }

  /** Has every pool decided now. */
  wake(): void {
    for (const { loop } of this.#pools) loop.wake();
  }

  /** What made replicas fail is mended (a task module, say): those that are wanted are started now, without the pause after failures. */
  forgive(): void {
    for (const { target } of this.#pools) target.forgive();
    this.wake();
  }

  /** Calls back after every turn of every pool; the returned function ends it. */
  onTick(listener: (tick: PoolTick) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The last turn of each pool that has had one, by name. */
  get pools(): ReadonlyMap<string, PoolTick> {
    return new Map(this.#pools.flatMap(({ loop }) => (loop.last === undefined ? [] : [[loop.spec.pool, loop.last] as const])));
  }

  /** A pool's replicas as its target sees them now; none for a pool that is not there or cannot be read. */
  replicas(pool: string): readonly TargetReplica[] {
    const target = this.#running(pool)?.target;
    return target === undefined ? [] : valueOr(target.look(this.#now()).replicas, []);
  }

  /**
   * The least number, not below `to`, that somebody else may write to a pool's Deployment now so that none but these idle replicas go, or
   * such in which nothing runs. Null where that cannot be told, and for a pool that is no Deployment.
   */
  safeNumber(pool: string, to: number, idle: ReadonlySet<string>): number | null {
    return this.#running(pool)?.target.safeNumber?.(this.#now(), to, idle) ?? null;
  }

  /** The autoscaler's clock, epoch ms. */
  get nowMs(): number {
    return this.#now();
  }

  /** Whether worker events are heard and every pool has decided with all its signals at least once. */
  get ready(): boolean {
    return (
      this.#fleet.listening &&
      this.#pools.every(({ loop }) => loop.last !== undefined && loop.last.decision.nextState.unknownSinceMs === null)
    );
  }

  /** Why a pool has the size it has; undefined for a pool that is not there or has not decided yet. */
  explain(pool: string): Explanation | undefined {
    const last = this.#running(pool)?.loop.last;
    return last === undefined ? undefined : explain(this.#now(), last.spec, last.seen, last.decision);
  }

  /** Names of all pools, those that have not decided yet too. */
  get poolNames(): readonly string[] {
    return this.#pools.map(({ loop }) => loop.spec.pool);
  }

  /** The pool that a worker belongs to, as far as can be told from its node name now; undefined for one of nobody's or of several. */
  poolOf(nodename: string): string | undefined {
    const pools = this.#concerned.ownersOf([nodename]);
    return pools.size === 1 ? [...pools][0] : undefined;
  }

  /** The queues of all pools, by pool. */
  get queues(): ReadonlyMap<string, readonly string[]> {
    return new Map(this.#options.config.pools.map(({ spec }) => [spec.pool, spec.queues.map(({ name }) => name)]));
  }

  /** What people ordered for a pool: by `celeriac scale`, and on its target itself; undefined for a pool that is not there. */
  orders(pool: string): { readonly ours: Orders; readonly onTarget: Orders } | undefined {
    const running = this.#running(pool);
    return running === undefined ? undefined : { ours: running.loop.orders, onTarget: running.target.look(this.#now()).orders };
  }

  /** Takes an order for a pool that is there; resolves once it would survive us. It stands until it is taken back. */
  async order(pool: string, orders: Orders): Promise<void> {
    await this.#running(pool)?.loop.order(orders);
  }

  /**
   * Stops deciding, drains local replicas and waits for them, each pool for its drainTimeout. `hurry` tells the replicas again.
   * Resolves with those that were still there.
   */
  stop(options: { readonly hurry?: AbortSignal } = {}): Promise<readonly string[]> {
    this.#stopping ??= this.#stop(options.hurry ?? new AbortController().signal);
    return this.#stopping;
  }

  /** Who may act: we, or who else. */
  get lease(): Pick<Lease, 'holder'> & { readonly held: boolean } {
    return { held: this.#lease.held(), holder: this.#lease.holder };
  }

  /** How often the lease was taken or lost. */
  get leaseChanges(): number {
    return this.#leaseChanges;
  }

  /** What is known of the broker beside depths. Looking has it asked anew, where that is old. */
  get brokerFacts(): BrokerFacts {
    return this.#brokerFacts.look();
  }

  /** How many workers were heard of lately, whoever they belong to. */
  get workersHeardOf(): number {
    return this.#fleet.state.size;
  }

  /** The connection to Kubernetes, where there is one. */
  get kubernetes(): Pick<KubernetesConnection, 'client' | 'view'> | undefined {
    return this.#cluster.opened;
  }

  /** What a pool scales: `kubernetes` or `local`. */
  targetKindOf(pool: string): 'kubernetes' | 'local' {
    return this.#running(pool)?.config.target.kind === 'deployment' ? 'kubernetes' : 'local';
  }

  /** The namespace of a pool's Deployment; `local` for pools of local processes. */
  namespaceOf(pool: string): string {
    return this.#cluster.namespaceOf(this.#running(pool)?.config.target);
  }

  async #stop(hurry: AbortSignal): Promise<readonly string[]> {
    this.#upkeep?.stop();
    this.#ledger?.close();
    await Promise.all(this.#pools.map(({ loop }) => loop.stop()));
    const left = await Promise.all(
      this.#pools.map(({ config, target }) => {
        const timeoutMs = config.target.kind === 'local' ? config.target.drainTimeoutMs : 0;
        return target.close({ timeoutMs, hurry });
      }),
    );
    await Promise.all([this.#lease.close(), this.#label?.close()]);
    // Where there was no way to a cluster, nothing has to be closed.
    await this.#cluster.close();
    await this.#fleet.close();
    this.#guard?.close();
    await this.journal.close();
    this.#listeners.clear();
    return left.flat();
  }

  #target(pool: PoolConfig): Promise<Target> {
    const { env, output, programs } = this.#options;
    return createTarget(pool, {
      logger: this.#logger,
      now: this.#now,
      isTaken: (nodename) => this.#fleet.state.has(nodename),
      env,
      output: output ?? 'inherit',
      programs: programs ?? {},
      tally: this.tally.of(pool.spec.pool),
      kubernetes: () => this.#cluster.open(),
      namespace: this.#options.config.kubernetes?.namespace,
      mayWrite: () => this.#lease.held(),
      guard: async () => {
        const { startOrphanGuard } = await import('./targets/local/orphan-guard.ts');
        this.#guard ??= startOrphanGuard((error) => this.#logger.warn({ err: error }, 'local replicas would outlive a killed autoscaler'));
        return this.#guard;
      },
    });
  }

  async #followWithLabel(): Promise<void> {
    const { podName } = this.#options;
    if (podName === undefined) return;
    const [{ createLeaderLabel }, { client, credentials }] = await Promise.all([import('./lease/leader-label.ts'), this.#cluster.open()]);
    const held = (): boolean => this.#lease.held();
    const label = createLeaderLabel({ client, namespace: credentials.namespace, podName, held, logger: this.#logger });
    this.#label = label;
    this.#lease.onChange((isHeld) => label.follow(isHeld));
    // The only autoscaler holds it from the start, and nothing ever changes.
    if (held()) label.follow(true);
  }

  /** Tasks are due by the wall clock. */
  async #nextDueMs(): ReturnType<QueueAdmin['nextDueMs']> {
    const dueMs = await this.#options.transport.queues.nextDueMs();
    return dueMs == null ? dueMs : this.#clock.fromWall(dueMs);
  }

  /** So are schedules. */
  #onClock(seen: ScheduleSeen | null): ScheduleSeen | null {
    return seen === null || seen.untilMs === null ? seen : { ...seen, untilMs: this.#clock.fromWall(seen.untilMs) };
  }

  #running(pool: string): RunningPool | undefined {
    return this.#byName.get(pool);
  }

  #ticked(tick: PoolTick): void {
    this.#ledger?.observe(tick);
    for (const listener of this.#listeners) listener(tick);
  }
}

/** Makes an autoscaler; nothing is read or started before `start`. */
export function createAutoscaler(options: AutoscalerOptions): Autoscaler {
  return new Autoscaler(options);
}
