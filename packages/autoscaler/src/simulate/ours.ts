import { decide } from '../decide/decide.ts';
import type { Decision } from '../decide/decision.ts';
import type { PoolSpec } from '../decide/spec.ts';
import { initialPoolState, type PoolState } from '../decide/state.ts';
import { nextTickMs, rhythmOf } from '../loop/pace.ts';
import type { Answer, Effect, ScaleInState } from '../scale-in/scale-in.ts';
import { noScaleIn } from '../scale-in/scale-in.ts';
import { step } from '../scale-in/step.ts';
import { valueOr } from '../window/sample.ts';
import type { Cancel } from './clock.ts';
import type { Cluster } from './cluster.ts';
import { EPOCH_MS, seenOf } from './ours-seen.ts';
import { isHeard, type SimulatedPod } from './pod.ts';
import type { Scaler } from './scaler.ts';

/** The autoscaler of this package, on a simulated clock. */
export interface OursOptions {
  readonly name: string;
  readonly spec: PoolSpec;
  /** Decides at every turn, also where nothing can have changed: slower, the same decisions. Default false. */
  readonly everyTurn?: boolean;
  /** Handed each decision that changes the number. */
  readonly onScale?: (atMs: number, decision: Decision) => void;
}

/** How long a worker or the target takes to answer, ms. */
const ANSWER_MS = 20;
/** What is learnt of a stretch ends there, so a longer rest while tasks run would teach less than turns in between. */
const LONGEST_REST_MS = 5_000;

const unanswered: Answer = { cordonedAtMs: null, markedAtMs: null, uncordonedAtMs: null, failed: null };

/**
 * Drives the very {@link decide} and the very scale-in {@link step} of the loop: a turn a second, at once for what wakes the loop. Turns
 * that could only repeat the last one are left out.
 */
export function oursScaler(options: OursOptions): Scaler {
  return { name: options.name, rest: options.spec.min, start: (cluster) => startOurs(cluster, options) };
}

function startOurs(cluster: Cluster, { spec, everyTurn = false, onScale }: OursOptions): void {
  const { clock } = cluster;
  const rhythm = rhythmOf(spec.pool, 1);
  let state: PoolState = initialPoolState(EPOCH_MS);
  let scaleIn: ScaleInState = noScaleIn;
  let answers: Record<string, Answer> = {};
  let grewAtMs = Number.NEGATIVE_INFINITY;
  let turnedMs = 0;
  let wakeAtMs: number | null = null;
  let last = '';
  let resting = false;
  let atZero = false;
  let planned: Cancel = () => {};

  const plan = (atMs: number): void => {
    planned();
    planned = clock.at(atMs, () => turn());
  };
  const wake = (): void => plan(clock.nowMs);

  const perform = (effect: Effect): void => {
    const pods = new Map(cluster.pods.map((pod) => [pod.id, pod]));
    const note = (id: string, change: Partial<Answer>): void => {
      answers[id] = { ...(answers[id] ?? unanswered), ...change };
    };
    const nowMs = EPOCH_MS + clock.nowMs;
    const cordon = (id: string, on: boolean): void => {
      const pod = pods.get(id);
      if (pod !== undefined) cluster.cordon(pod, on);
    };
    switch (effect.kind) {
      case 'cordon':
        cordon(effect.id, true);
        answers[effect.id] = { ...unanswered, cordonedAtMs: nowMs };
        break;
      case 'uncordon':
        cordon(effect.id, false);
        note(effect.id, { uncordonedAtMs: nowMs });
        break;
      case 'mark':
        for (const id of effect.ids) note(id, { markedAtMs: nowMs });
        break;
      case 'remove':
        for (const id of effect.ids) cluster.terminate(pods.get(id) as SimulatedPod);
        break;
      case 'inspect':
        break;
    }
    wake();
  };

  function turn(atMs: number = clock.nowMs): void {
    const nowMs = EPOCH_MS + atMs;
    turnedMs = atMs;
    const seen = seenOf(cluster, atMs);
    const replicas = valueOr(seen.replicas, []);
    const decision = decide(nowMs, spec, seen, state);
    state = decision.nextState;
    if (decision.to !== decision.from) onScale?.(atMs, decision);
    if (decision.apply && decision.to > decision.from) cluster.grow(decision.to - decision.from);
    const stepped = step(nowMs, scaleIn, { want: decision.to, replicas, hold: null, answers });
    scaleIn = stepped.state;
    for (const effect of stepped.effects) clock.at(clock.nowMs + ANSWER_MS, () => perform(effect));
    if (Object.keys(answers).length > 0) {
      const there = new Set(replicas.map((replica) => replica.id));
      answers = Object.fromEntries(Object.entries(answers).filter(([id]) => there.has(id)));
    }
    atZero = decision.from === 0 && decision.to === 0;
    wakeAtMs = decision.wakeAtMs;
    resting = mayRest(decision, stepped.effects.length > 0);
    if (!resting) plan(turnedMs + paceMs(turnedMs));
    else {
      const wakeMs = wakeAtMs === null ? Number.POSITIVE_INFINITY : wakeAtMs - EPOCH_MS;
      const nextMs = decision.evidence.active > 0 ? Math.min(wakeMs, lastTurnWithin(LONGEST_REST_MS)) : wakeMs;
      if (Number.isFinite(nextMs)) plan(nextMs);
    }
  }

  const paceMs = (atMs: number): number => nextTickMs(EPOCH_MS + atMs, { atZero, armed: true, grewAtMs, wakeAtMs }, rhythm);
  /** The loop's last turn within so long of this one, or the next. */
  const lastTurnWithin = (ms: number): number => {
    let atMs = turnedMs + paceMs(turnedMs);
    for (let next = atMs + paceMs(atMs); next <= turnedMs + ms; next += paceMs(next)) atMs = next;
    return atMs;
  };
  /** The loop's last turn before now. */
  const turnBefore = (): number => {
    let atMs = turnedMs;
    for (let next = atMs + paceMs(atMs); next < clock.nowMs; next += paceMs(next)) atMs = next;
    return atMs;
  };

  /** Whether nothing but the clock or the cluster could make the next decision another one. */
  const mayRest = (decision: Decision, acted: boolean): boolean => {
    const now = `${decision.from} ${decision.to} ${decision.reason} ${decision.wakeAtMs}`;
    const same = now === last;
    last = now;
    if (everyTurn || acted || !same || decision.kind === 'scale' || scaleIn.victims.length > 0) return false;
    if (cluster.queues.some((queue) => queue.length > 0) || state.zeroReadings === 1) return false;
    return cluster.pods.every((pod) => pod.phase !== 'up' || isHeard(pod, turnedMs, state.waitingAtMs - EPOCH_MS));
  };

  // What a turn remembers is when something was last so: the last of those left out is made up for before anything changes.
  cluster.beforeChange(() => {
    if (!resting) return;
    const missedMs = turnBefore();
    if (missedMs > turnedMs) turn(missedMs);
    resting = false;
    plan(turnedMs + paceMs(turnedMs));
  });
  cluster.onChange((change) => {
    const grewFromZero = change === 'arrival' && atZero && cluster.queues.some((queue) => queue.length > 0);
    if (grewFromZero) {
      grewAtMs = EPOCH_MS + clock.nowMs;
      atZero = false;
    }
    // Whatever else changes is found at the next turn, as the loop finds it.
    if (grewFromZero || change === 'up') plan(clock.nowMs);
  });
  turn();
}
