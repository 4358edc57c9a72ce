import { isBusy, isIdle } from '../decide/idle.ts';
import type { ReplicaSeen } from '../decide/seen.ts';
import type { Answer, Effect, Victim } from './scale-in.ts';

/** How long an answer is waited for before the replica is taken back, ms. */
export const ANSWER_MS = 5_000;
/** How long idleness may take to be verified: five heartbeats of a slow worker, ms. */
export const VERIFY_MS = 30_000;
/** How long the target may take to let the named replicas go before it is told again, ms. */
export const CONFIRM_MS = 30_000;
/** How long a verified replica waits in place for what holds a shrink up, ms. */
export const HOLD_MS = 60_000;
/** How long those verified first wait for the rest of their batch, ms: heartbeats of workers are not in step. */
export const BATCH_MS = 5_000;
/** Idle heartbeats needed after the worker's answer. */
export const BEATS = 2;

/** A victim one step on, with what is to be done; null where it is done with. */
export interface Advance {
  readonly victim: Victim | null;
  readonly effects: readonly Effect[];
  /** It came back into rotation. */
  readonly spared?: boolean;
}

/** Moves one victim on by what is known of it now. Pure. */
export function advance(nowMs: number, victim: Victim, replica: ReplicaSeen | undefined, answer: Answer | undefined): Advance {
  if (replica === undefined || replica.phase === 'leaving') return { victim: null, effects: [] };
  const another = replica.onlineAtMs !== victim.onlineAtMs && victim.stage !== 'removing' && victim.stage !== 'restoring';
  if (another) return restore(nowMs, victim, 'its worker began anew');
  switch (victim.stage) {
    case 'cordoning':
      return cordoning(nowMs, victim, answer);
    case 'verifying':
      return verifying(nowMs, victim, replica);
    case 'marking':
      return marking(nowMs, victim, replica, answer);
    case 'marked':
      if (isBusy(replica)) return restore(nowMs, victim, 'it is busy again, or cannot be heard');
      if (nowMs - victim.sinceMs < HOLD_MS) return { victim, effects: [] };
      return restore(nowMs, victim, `it could not be taken out within ${HOLD_MS / 1_000} s`);
    case 'removing':
      if (answer?.failed != null) return restore(nowMs, victim, `not taken out: ${answer.failed}`);
      if (nowMs - victim.sinceMs < CONFIRM_MS) return { victim, effects: [] };
      return restore(nowMs, victim, 'the target did not let it go');
    case 'restoring':
      return restoring(nowMs, victim, answer);
  }
}

/** Takes a victim back: it will take tasks again. */
export function restore(nowMs: number, victim: Victim, why: string): Advance {
  return {
    victim: { ...victim, stage: 'restoring', sinceMs: nowMs, why },
    effects: [{ kind: 'uncordon', id: victim.id, nodename: victim.nodename, why }],
  };
}

function cordoning(nowMs: number, victim: Victim, answer: Answer | undefined): Advance {
  if (answer?.failed != null) return restore(nowMs, victim, `cordon failed: ${answer.failed}`);
  if (answer?.cordonedAtMs != null) {
    return { victim: { ...victim, stage: 'verifying', sinceMs: nowMs, cordonedAtMs: answer.cordonedAtMs }, effects: [] };
  }
  if (nowMs - victim.sinceMs < ANSWER_MS) return { victim, effects: [] };
  return restore(nowMs, victim, `no answer to cancel_consumer within ${ANSWER_MS / 1_000} s`);
}

function verifying(nowMs: number, victim: Victim, replica: ReplicaSeen): Advance {
  if (nowMs - victim.sinceMs >= VERIFY_MS) return restore(nowMs, victim, `not seen idle within ${VERIFY_MS / 1_000} s`);
  if (replica.active.kind === 'unavailable' || replica.active.atMs <= victim.cordonedAtMs) return { victim, effects: [] };
  if (isBusy(replica)) return restore(nowMs, victim, 'it still got a task');
  const fresh = replica.active.atMs > victim.lastBeatMs;
  const beats = fresh ? victim.beats + 1 : victim.beats;
  const next = { ...victim, beats, lastBeatMs: replica.active.atMs };
  if (beats < BEATS) return { victim: next, effects: [] };
  if (!isIdle(replica) || answeredAtMs(replica) <= victim.cordonedAtMs) {
    return { victim: next, effects: [{ kind: 'inspect', id: victim.id, nodename: victim.nodename }] };
  }
  return { victim: { ...next, stage: 'marking', sinceMs: nowMs }, effects: [{ kind: 'mark', ids: [victim.id] }] };
}

/** The oldest of what it said it holds: heartbeats of Python workers leave out what only an inspection tells. */
function answeredAtMs(replica: ReplicaSeen): number {
  return Math.min(...[replica.reserved, replica.scheduled].map((sample) => (sample.kind === 'reading' ? sample.atMs : 0)));
}

function marking(nowMs: number, victim: Victim, replica: ReplicaSeen, answer: Answer | undefined): Advance {
  if (answer?.failed != null) return restore(nowMs, victim, `mark failed: ${answer.failed}`);
  if (isBusy(replica)) return restore(nowMs, victim, 'it is busy again, or cannot be heard');
  if (answer?.markedAtMs != null) return { victim: { ...victim, stage: 'marked', sinceMs: nowMs }, effects: [] };
  if (nowMs - victim.sinceMs < ANSWER_MS) return { victim, effects: [] };
  return restore(nowMs, victim, 'the target did not mark it');
}

function restoring(nowMs: number, victim: Victim, answer: Answer | undefined): Advance {
  if (answer?.uncordonedAtMs != null && answer.uncordonedAtMs >= victim.sinceMs) return { victim: null, effects: [], spared: true };
  if (nowMs - victim.sinceMs < ANSWER_MS) return { victim, effects: [] };
  // A worker left cordoned would be capacity that takes nothing: asked until it answers or is gone.
  return restore(nowMs, victim, victim.why);
}
