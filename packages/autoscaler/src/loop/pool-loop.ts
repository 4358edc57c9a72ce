import type { Logger, QueueAdmin } from '@celeriac/brokers';
import { decide } from '../decide/decide.ts';
import type { Decision } from '../decide/decision.ts';
import { isIdle } from '../decide/idle.ts';
import { type Grant, mergeOrders, noOrders, type Orders, type PoolSeen, type ReplicaSeen, type ScheduleSeen } from '../decide/seen.ts';
import type { PoolSpec } from '../decide/spec.ts';
import { initialPoolState, type PoolState, resumedPoolState } from '../decide/state.ts';
import { wantedOf } from '../decide/wanted.ts';
import type { FleetWatch } from '../fleet/fleet-watch.ts';
import type { WorkerControl } from '../fleet/worker-control.ts';
import type { Journal } from '../journal/journal.ts';
import type { Lease } from '../lease/lease.ts';
import type { DepthReader } from '../samplers/depth-reader.ts';
import type { NextDueSampler } from '../samplers/next-due.ts';
import { type QueueDepthSampler, queueDepthSampler } from '../samplers/queue-depth.ts';
import { survey } from '../samplers/survey.ts';
import { noScaleIn, type ScaleInState, scaleInOf } from '../scale-in/scale-in.ts';
import { step } from '../scale-in/step.ts';
import type { Target, TargetReplica, TargetWork } from '../targets/target.ts';
import type { Sample } from '../window/sample.ts';
import { createEffectRunner, type EffectRunner } from './effects.ts';
import { createGrowthWatch, type GrowthWatch } from './growth-watch.ts';
import { nextTickMs, type Rhythm } from './pace.ts';
import { WorkerQuestions } from './worker-questions.ts';

/** What a pool's loop is wired to. */
export interface PoolLoopOptions {
  readonly spec: PoolSpec;
  readonly target: Target;
  readonly admin: Pick<QueueAdmin, 'watchGrowth'>;
  /** Shared by all pools, as are the questions they ask of it. */
  readonly depths: DepthReader;
  readonly rhythm: Rhythm;
  readonly fleet: FleetWatch;
  readonly control: WorkerControl;
  readonly nextDue: NextDueSampler;
  readonly journal: Journal;
  readonly lease: Lease;
  /** What other pools leave for this one, and what a schedule says now; pure reads. */
  readonly grant: (pool: string) => Grant | null;
  readonly schedule: (pool: string, nowMs: number) => ScheduleSeen | null;
  readonly logger: Logger;
  /** Epoch ms. */
  readonly now: () => number;
  readonly onTick: (tick: PoolTick) => void;
  /** The replicas as the target showed them at each turn. */
  readonly onReplicas: (replicas: readonly TargetReplica[]) => void;
}

/** One turn of a pool's loop, as it ended. */
export interface PoolTick {
  readonly pool: string;
  readonly spec: PoolSpec;
  readonly atMs: number;
  readonly seen: PoolSeen;
  readonly decision: Decision;
  /** How long the broker took to answer, and the whole turn, ms. */
  readonly sampledInMs: number;
  readonly tookMs: number;
}

/** Sample, decide, act: one pool's loop. Turns never overlap; what happens during one begins the next. */
export class PoolLoop {
  readonly #options: PoolLoopOptions;
  readonly #depth: QueueDepthSampler;
  readonly #effects: EffectRunner;
  readonly #growth: GrowthWatch;
  readonly #questions: WorkerQuestions;
  #state: PoolState;
  #scaleIn: ScaleInState = noScaleIn;
  #last: PoolTick | undefined;
  #recorded = '';
  #grewAtMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  #orders: Orders = noOrders;
  // One holding of the lease; what was begun in an earlier one is not carried on.
  #term = 0;

  constructor(options: PoolLoopOptions) {
    const { spec, admin, now, target, control, logger } = options;
    this.#options = options;
    this.#state = initialPoolState(now());
    options.lease.onChange((held) => (held ? this.#takeOver() : this.#standBy()));
    const queues = spec.queues.map((queue) => queue.name);
    this.#depth = queueDepthSampler({ queues, depths: options.depths, now });
    this.#questions = new WorkerQuestions({ control, logger, onInspected: () => this.wake() });
    this.#effects = createEffectRunner({
      target,
      control,
      queues,
      now,
      logger,
      mayAct: () => options.lease.held() && !this.#stopped,
      tellSuccessor: () => {
        this.#remember();
        return options.lease.memory.flush();
      },
      onInspected: (answers) => this.#questions.take(answers),
      onAnswer: () => this.wake(),
    });
    this.#growth = createGrowthWatch({
      queues,
      admin,
      logger,
      onGrowth: () => {
        this.#grewAtMs = now();
        this.wake();
      },
      onArmed: () => this.wake(),
    });
    target.onChange(() => this.wake());
  }

  /** The last turn; undefined before the first. */
  get last(): PoolTick | undefined {
    return this.#last;
  }

  get spec(): PoolSpec {
    return this.#options.spec;
  }

  /** Begins a turn now, or right behind the one under way. */
  wake(): void {
    if (this.#stopped || !this.#options.lease.held()) return;
    if (this.#turn !== undefined) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#turn = this.#run().finally(() => {
      this.#turn = undefined;
      if (this.#stopped || !this.#options.lease.held()) return;
      if (this.#again) {
        this.#again = false;
        this.wake();
      } else this.#rest();
    });
  }

  /** What people ordered for this pool by `celeriac scale`. */
  get orders(): Orders {
    return this.#orders;
  }

  /** Takes an order; it stands until it is taken back, over a change of the lease too. */
  async order(orders: Orders): Promise<void> {
    this.#orders = orders;
    this.#remember();
    await this.#options.lease.memory.flush();
    this.wake();
  }

  /** Stops deciding; the target stays as it is. Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#growth.close();
    await this.#turn;
    await this.#effects.settled();
  }

  #rest(): void {
    const { now, rhythm } = this.#options;
    const pace = {
      atZero: this.#last?.decision.from === 0 && this.#last.decision.to === 0,
      armed: this.#growth.armed,
      grewAtMs: this.#grewAtMs,
      wakeAtMs: this.#last?.decision.wakeAtMs ?? null,
    };
    const waitMs = nextTickMs(now(), pace, rhythm);
    this.#timer = setTimeout(() => this.wake(), waitMs);
  }

  async #run(): Promise<void> {
    const { logger, spec } = this.#options;
    try {
      await this.#tick();
    } catch (error) {
      logger.error({ err: error, pool: spec.pool }, 'turn failed');
    }
  }

  async #tick(): Promise<void> {
    const { spec, target, now, journal, lease, logger, onTick } = this.#options;
    const startedMs = performance.now();
    const term = this.#term;
    const isOver = (): boolean => term !== this.#term || !lease.held();
    const queues = await this.#depth.read();
    if (isOver()) return;
    const atMs = now();
    const looked = target.look(atMs);
    const replicas = this.#join(atMs, looked.replicas);
    const seen: PoolSeen = {
      queues,
      nextDueMs: this.#options.nextDue.sample,
      replicas,
      growth: looked.growth,
      orders: mergeOrders(this.#orders, looked.orders),
      schedule: this.#options.schedule(spec.pool, atMs),
      grant: this.#options.grant(spec.pool),
      hold: looked.hold,
      shrinkHold: looked.shrinkHold,
      unscaled: looked.unscaled === true,
    };
    const state = this.#state;
    const decision = decide(atMs, spec, seen, state);
    this.#state = decision.nextState;
    const key = `${decision.kind} ${decision.from} ${decision.to} ${decision.reason} ${decision.apply}`;
    const decided = key !== this.#recorded;
    if (decided) {
      this.#recorded = key;
      journal.write({ type: 'decision', pool: spec.pool, atMs, spec, seen, state, decision });
    }
    if (decision.ask.length > 0) this.#questions.inspect(decision.ask);
    if (decision.apply && decision.to > decision.from) {
      // Asked for again every turn while it cannot be had: told once.
      const level = decided ? 'info' : 'debug';
      logger[level]({ pool: spec.pool, from: decision.from, to: decision.to, reason: decision.reason }, decision.text);
      await target.grow(decision.from, decision.to, decision.text);
      const grown = target.look(now()).replicas;
      if (grown.kind === 'reading') this.#options.onReplicas(grown.value);
    }
    if (replicas.kind === 'reading') {
      target.observe(workOf(replicas.value));
      const fenced = await this.#effects.fenced();
      if (isOver()) return;
      if (fenced) this.#shrink(atMs, replicas.value, decision, seen);
    }
    this.#remember();
    this.#growth.arm(spec.mode !== 'off' && decision.from === 0 && decision.to === 0);
    this.#last = {
      pool: spec.pool,
      spec,
      atMs,
      seen,
      decision,
      sampledInMs: this.#depth.lastTookMs,
      tookMs: performance.now() - startedMs,
    };
    onTick(this.#last);
  }

  #join(atMs: number, replicas: ReturnType<Target['look']>['replicas']): Sample<readonly ReplicaSeen[]> {
    if (replicas.kind === 'unavailable') return replicas;
    const { target, fleet } = this.#options;
    this.#options.onReplicas(replicas.value);
    const joined = survey(atMs, {
      replicas: replicas.value,
      fleet: fleet.state,
      inspections: this.#questions.inspections,
      slots: this.#questions.slots,
      cordoned: this.#effects.cordoned,
    });
    for (const replica of joined) if (replica.onlineAtMs !== null) target.heard(replica.id);
    this.#effects.keepOnly(new Set(joined.map((replica) => replica.id)));
    this.#questions.keepOnly(new Set(joined.flatMap((replica) => replica.nodename ?? [])));
    if (this.#options.spec.slotsPerReplica === null) this.#questions.learnSlots(joined);
    return { ...replicas, value: joined };
  }

  #shrink(atMs: number, replicas: readonly ReplicaSeen[], decision: Decision, pool: PoolSeen): void {
    const { spec, journal, logger } = this.#options;
    const want = decision.apply ? decision.to : Math.max(decision.from, decision.to);
    const seen = {
      want,
      wish: mayTrim(spec, decision, pool.orders, pool.hold) ? wantedOf(decision) : null,
      replicas,
      hold: pool.hold ?? pool.shrinkHold ?? null,
      answers: { ...this.#effects.answers },
    };
    const before = this.#scaleIn;
    const stepped = step(atMs, before, seen);
    this.#scaleIn = stepped.state;
    if (stepped.effects.length === 0) return;
    journal.write({ type: 'scale-in', pool: spec.pool, atMs, state: before, seen, step: stepped });
    for (const effect of stepped.effects) logger.info({ pool: spec.pool, ...effect }, `scale-in: ${effect.kind}`);
    this.#effects.run(stepped.effects);
  }

  /** We hold the lease now: go on from what the last holder left, and shrink nothing before a whole window of our own. */
  #takeOver(): void {
    const { spec, now, lease, target } = this.#options;
    const atMs = now();
    const left = lease.memory.read(spec.pool);
    target.takenOver?.();
    this.#term += 1;
    // By the clock of another machine, which may be ahead of ours.
    const wishes = (left?.wishes ?? []).map((wish) => ({ ...wish, atMs: Math.min(wish.atMs, atMs) }));
    this.#state = left === null ? initialPoolState(atMs) : resumedPoolState(atMs, { ...left, wishes });
    this.#orders = left?.orders ?? noOrders;
    this.#scaleIn = scaleInOf(atMs, left);
    this.#effects.adopt(left);
    this.#recorded = '';
    this.wake();
  }

  #standBy(): void {
    clearTimeout(this.#timer);
    this.#growth.arm(false);
  }

  #remember(): void {
    const { spec, lease } = this.#options;
    const { busyAtMs, wishes, service, coldStart, slotsPerReplica } = this.#state;
    const { cordonedQueues: cordoned, removing } = this.#effects;
    lease.memory.write(spec.pool, { busyAtMs, wishes, service, coldStart, slotsPerReplica, orders: this.#orders, cordoned, removing });
  }
}

/** Whether stuck replicas may be taken out: where any other shrink would be allowed. */
function mayTrim(spec: PoolSpec, decision: Decision, orders: Orders, hold: string | null): boolean {
  if (spec.mode !== 'on' || hold !== null || decision.nextState.unknownSinceMs !== null) return false;
  if (orders.fixed !== null || spec.fixed !== null) return true;
  return [orders.pause, spec.pause].every((pause) => pause === null || pause === 'out');
}

function workOf(replicas: readonly ReplicaSeen[]): TargetWork {
  return {
    up: new Set(replicas.flatMap(({ id, active }) => (active.kind === 'reading' ? [id] : []))),
    busy: new Set(replicas.flatMap((replica) => (replica.phase === 'ready' && !isIdle(replica) ? [replica.id] : []))),
    unheard: new Set(replicas.flatMap((one) => (['starting', 'stuck'].includes(one.phase) && one.empty !== true ? [one.id] : []))),
    active: new Map(replicas.flatMap(({ id, active }) => (active.kind === 'reading' ? [[id, active.value] as const] : []))),
  };
}
