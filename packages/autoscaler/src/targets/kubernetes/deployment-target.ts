import type { Logger } from '@celeriac/brokers';
import type { DeploymentConfig } from '../../config/pools-config.ts';
import { noOrders } from '../../decide/seen.ts';
import type { KubernetesConnection } from '../../kubernetes/connection.ts';
import type { SlimPod } from '../../kubernetes/slim.ts';
import { fenceScale } from '../../lease/fence-scale.ts';
import { reading, unavailable } from '../../window/sample.ts';
import type { Target, TargetSeen, TargetWork } from '../target.ts';
import { Announcer } from './announcer.ts';
import { DeploymentEye, type EyeSeen } from './deployment-eye.ts';
import { ordersOf } from './keda-annotations.ts';
import type { Killed } from './killed.ts';
import { isActive, isMarked } from './pod-facts.ts';
import { PodMarks } from './pod-marks.ts';
import { refused } from './refusal.ts';
import { removalOf } from './removal.ts';
import { rivalsOf } from './rivals.ts';
import { safeNumber } from './safe-number.ts';
import { ScaleChanges } from './scale-changes.ts';
import { seenInView } from './seen-in-view.ts';
import { shieldPatches } from './shield.ts';

/** What a Deployment's target is wired to. */
export interface DeploymentTargetOptions {
  readonly pool: string;
  readonly config: DeploymentConfig;
  readonly connection: KubernetesConnection;
  /** Of a Deployment that names none; undefined: that of the credentials. */
  readonly namespace: string | undefined;
  /** Whether pods may be annotated: not in a pool that is off or runs dry. */
  readonly annotates: boolean;
  /** Whether busy pods are protected from the shrinks of somebody else, though we scale nothing: by their shield and their deletion cost. */
  readonly protects?: boolean;
  readonly logger: Logger;
  /** Epoch ms. */
  readonly now: () => number;
  /** Asked at the last moment of every write. */
  readonly mayWrite: () => boolean;
  /** A pod was ended by force while tasks ran in it. */
  readonly onKilled: (killed: Killed) => void;
  /** A shrink took other pods than those that were meant. */
  readonly onWrongVictim: (pods: readonly string[]) => void;
}

/** The controller's own watch is about as far behind as ours: a mark must have reached it before the shrink does, ms. */
const MARK_AGE_MS = 250;
const SEEN_LIMIT_MS = 5_000;
const UNMARKED_MS = 2_000;
const CHOSEN_MS = 5_000;
const WRONG_VICTIM_HOLD_MS = 600_000;
const LONGEST_PAUSE_MS = 60_000;

/** The pods of a Deployment as a target. Writes `/scale`, annotations of its pods and Events, nothing else. */
export class DeploymentTarget implements Target {
  readonly kind = 'deployment';
  readonly #options: DeploymentTargetOptions;
  readonly #namespace: string;
  readonly #eye: DeploymentEye;
  readonly #marks: PodMarks;
  readonly #announcer: Announcer;
  readonly #changes: ScaleChanges;
  readonly #listeners: (() => void)[] = [];
  readonly #endings: (() => void)[] = [];
  #likeness = '';
  /** The last look saw no replicas. */
  #lookedBlind = false;
  #wrongVictim: { readonly untilMs: number; readonly text: string } | null = null;
  #failure: { readonly text: string; readonly count: number; readonly untilMs: number } | null = null;

  constructor(options: DeploymentTargetOptions) {
    const { config, connection, logger, mayWrite, now } = options;
    this.#options = options;
    this.#namespace = config.namespace ?? options.namespace ?? connection.credentials.namespace;
    const rivals = rivalsOf(connection.client, this.#namespace, logger);
    this.#eye = new DeploymentEye({
      config,
      namespace: this.#namespace,
      view: connection.view,
      rivals,
      onKilled: (killed) => this.#killed(killed),
      onWrongVictim: (pods) => this.#tookOthers(pods),
    });
    this.#marks = new PodMarks({ client: connection.client, logger, mayWrite });
    const { pool } = options;
    this.#changes = new ScaleChanges({ scale: connection.scale, pool, namespace: this.#namespace, name: config.name, logger, mayWrite });
    this.#announcer = new Announcer(connection.events, mayWrite);
    const changed = (): void => {
      const likeness = this.#eye.likeness();
      if (likeness === this.#likeness) return;
      this.#likeness = likeness;
      for (const listener of this.#listeners) listener();
    };
    this.#endings.push(
      connection.view.onChange(({ namespace, deployments, gone }) => {
        if (namespace !== this.#namespace || !deployments.includes(config.name)) return;
        this.#eye.ended(
          now(),
          gone.filter((one) => one.deployment === config.name).map(({ pod }) => pod),
        );
        changed();
      }),
      rivals.follow(changed),
    );
  }

  look(nowMs: number): TargetSeen {
    const seen = this.#eye.look(nowMs);
    this.#lookedBlind = seen.kind === 'unavailable';
    if (seen.kind === 'unavailable') {
      return {
        replicas: unavailable(seen.reason, seen.sinceMs),
        growth: this.#paused(nowMs) ?? { kind: 'open' },
        orders: noOrders,
        hold: null,
        shrinkHold: seen.reason,
      };
    }
    if (this.#wrongVictim !== null && nowMs >= this.#wrongVictim.untilMs) this.#wrongVictim = null;
    return {
      // As old as the last word of the watches it rests on.
      replicas: reading(seen.replicas, nowMs - this.#options.connection.view.freshness(this.#namespace).ageMs),
      growth: this.#paused(nowMs) ?? seen.growth,
      orders: ordersOf(seen.deployment.annotations),
      hold: seen.hold,
      shrinkHold: this.#wrongVictim?.text ?? seen.shrinkHold,
      // Made without `replicas`, which is 1 to the API server, and not written to since.
      unscaled: seen.deployment.generation === 1 && seen.deployment.replicas === 1,
    };
  }

  grow(from: number, to: number, why = ''): Promise<void> {
    // What was decided without sight of the replicas is a number in all: added to what is seen by now it could be more than the most there may be.
    const blind = this.#lookedBlind;
    return this.#changes.inTurn(() => this.#grow(from, to, why, blind));
  }

  async #grow(from: number, to: number, why: string, blind: boolean): Promise<void> {
    const { logger, pool, now } = this.#options;
    try {
      const seen = this.#eye.look(now());
      if (blind || seen.kind === 'unavailable') await this.#changes.raise(to);
      else await this.#write(seen, seen.wanted + (to - from), 'ScaledUp', why);
      this.#failure = null;
    } catch (error) {
      // Decided again at the next turn from what is seen then; said in explain until it works.
      const text = error instanceof Error ? error.message : String(error);
      const count = (this.#failure?.count ?? 0) + 1;
      this.#failure = { text, count, untilMs: now() + Math.min(LONGEST_PAUSE_MS, 1_000 * 2 ** (count - 1)) };
      logger.warn({ err: error, pool, from, to }, 'the Deployment could not be scaled up');
    }
  }

  heard(): void {
    // observe() is told who is up
  }

  forgive(): void {
    this.#wrongVictim = null;
    this.#failure = null;
    this.#eye.forgive();
  }

  observe(work: TargetWork): void {
    const nowMs = this.#options.now();
    const seen = this.#eye.last;
    if (seen === null) return;
    const { annotates, protects = false } = this.#options;
    this.#eye.observe(nowMs, protects ? { ...work, busy: new Set([...work.busy, ...(work.unheard ?? [])]) } : work);
    if (!this.#options.mayWrite()) return;
    this.#announcer.lasting(nowMs, seen.deployment, seen.conditions);
    if (!protects && (!annotates || seen.hold !== null)) return;
    // Who is to go by a shrink that the controller has not come to yet stays the one to go.
    if (!seen.tooMany) this.#marks.sweep(nowMs, seen.pods);
    this.#marks.apply(nowMs, shieldPatches(nowMs, seen.pods, this.#eye.busyAtMs, { raisesCost: protects }));
  }

  mark(ids: readonly string[]): Promise<void> {
    return this.#changes.inTurn(() => this.#mark(ids));
  }

  async #mark(ids: readonly string[]): Promise<void> {
    const { now, connection, config } = this.#options;
    const { pods } = this.#seen();
    const victims = named(ids, pods);
    await this.#marks.mark(now(), victims, pods);
    const shown = (): boolean => {
      const there = new Map(this.#eye.pods().map((pod) => [pod.uid, pod]));
      return victims.every(({ uid }) => {
        const pod = there.get(uid);
        return pod === undefined || isMarked(pod);
      });
    };
    if (!(await seenInView(connection.view, shown, SEEN_LIMIT_MS))) {
      throw refused(this.#namespace, config.name, `marks were written, but not seen within ${SEEN_LIMIT_MS / 1_000} s`);
    }
    this.#marks.shown(now(), victims);
  }

  async unmark(ids: readonly string[]): Promise<void> {
    await this.#marks.unmark(named(ids, this.#eye.pods()));
  }

  remove(ids: readonly string[]): Promise<void> {
    return this.#changes.inTurn(() => this.#remove(ids));
  }

  async #remove(ids: readonly string[]): Promise<void> {
    const { now } = this.#options;
    const ageMs = now() - this.#marks.markedAtMs(named(ids, this.#eye.pods()));
    if (ageMs < MARK_AGE_MS) await new Promise((resolve) => setTimeout(resolve, MARK_AGE_MS - ageMs));
    const plan = (): ReturnType<typeof removalOf> => {
      const current = this.#seen();
      if (current.hold !== null) return { kind: 'refused', why: current.hold };
      const stray = current.pods.find((pod) => isActive(pod) && this.#marks.has(pod) && !ids.includes(pod.name));
      if (stray !== undefined) return { kind: 'refused', why: `pod ${stray.name} is still marked as one to go` };
      return removalOf(ids, current.wanted, current.replicas, current);
    };
    // Who was taken back a moment ago loses its mark first.
    await seenInView(this.#options.connection.view, () => plan().kind !== 'refused', UNMARKED_MS);
    const seen = this.#seen();
    const first = plan();
    if (first.kind === 'nothing') return;
    if (first.kind === 'refused') throw refused(this.#namespace, seen.deployment.name, first.why);
    const same = (): boolean => {
      const again = plan();
      return again.kind === 'write' && again.to === first.to;
    };
    const count = seen.wanted - first.to;
    const names = first.pods.map((pod) => pod.name);
    const text =
      names.length === 0 ? `${count} that could not be made` : `${names.slice(0, 10).join(', ')}${names.length > 10 ? ', …' : ''}`;
    const removing = this.#eye.removing(first.pods);
    try {
      await this.#write(seen, first.to, 'ScaledDown', text, same);
      removing.written();
    } catch (error) {
      removing.failed();
      throw error;
    }
    // Nobody is marked, and no number written, before the controller has chosen.
    const uids = new Set(first.pods.map((pod) => pod.uid));
    const chosen = (): boolean => !this.#eye.pods().some((pod) => uids.has(pod.uid) && isActive(pod));
    await seenInView(this.#options.connection.view, chosen, CHOSEN_MS);
  }

  safeNumber(nowMs: number, to: number, idle: ReadonlySet<string>): number | null {
    const seen = this.#eye.look(nowMs);
    return seen.kind === 'unavailable' ? null : safeNumber(to, seen.wanted, seen.replicas, seen, idle);
  }

  /** Makes sure that no `/scale` write sent before, by us or by an earlier holder of the lease, can still take effect. */
  async fence(): Promise<void> {
    const { connection, config, mayWrite } = this.#options;
    await fenceScale({ client: connection.client, namespace: this.#namespace, name: config.name, mayWrite });
  }

  takenOver(): void {
    this.#eye.takenOver();
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The Deployment stays as it is. */
  close(): Promise<readonly string[]> {
    for (const end of this.#endings) end();
    this.#listeners.length = 0;
    return Promise.resolve([]);
  }

  /** What is known now; throws where nothing may be decided by. */
  #seen(): EyeSeen {
    const seen = this.#eye.look(this.#options.now());
    if (seen.kind === 'unavailable') throw refused(this.#namespace, this.#options.config.name, seen.reason);
    return seen;
  }

  async #write(seen: EyeSeen, to: number, reason: string, why: string, still: () => boolean = () => true): Promise<void> {
    const from = seen.wanted;
    if (to === from) return;
    this.#eye.writing(to);
    await this.#changes.move(seen.deployment.uid, from, to, still);
    this.#eye.wrote(this.#options.now(), from, to);
    this.#announcer.happened(seen.deployment, 'Normal', reason, `from ${from} to ${to}${why === '' ? '' : `: ${why}`}`);
  }

  #paused(nowMs: number): TargetSeen['growth'] | null {
    if (this.#failure === null || nowMs >= this.#failure.untilMs) return null;
    return {
      kind: 'limited',
      pending: 0,
      reason: `the Deployment could not be scaled: ${this.#failure.text}`,
      untilMs: this.#failure.untilMs,
    };
  }

  #killed(killed: Killed): void {
    const { logger, pool, onKilled } = this.#options;
    logger.error({ pool, ...killed }, `${killed.tasks} running tasks were killed with their pod`);
    const seen = this.#eye.last;
    const message = `pod ${killed.pod} was ended by force with ${killed.tasks} running tasks (${killed.cause})`;
    if (seen !== null) this.#announcer.happened(seen.deployment, 'Warning', 'TasksKilled', message);
    onKilled(killed);
  }

  #tookOthers(pods: readonly string[]): void {
    const { logger, pool, onWrongVictim, now } = this.#options;
    const text = `a shrink took ${pods.join(', ')} in place of the pods that were meant; nothing is taken out for ten minutes`;
    this.#wrongVictim = { untilMs: now() + WRONG_VICTIM_HOLD_MS, text };
    logger.error({ pool, pods }, text);
    const seen = this.#eye.last;
    if (seen !== null) this.#announcer.happened(seen.deployment, 'Warning', 'WrongPodDeleted', text);
    onWrongVictim(pods);
  }
}

function named(ids: readonly string[], pods: readonly SlimPod[]): readonly SlimPod[] {
  const wanted = new Set(ids);
  return pods.filter((pod) => wanted.has(pod.name) && isActive(pod));
}
