import type { ReplicaSeen } from '../decide/seen.ts';
import { advance, BATCH_MS, restore } from './advance.ts';
import { type Empties, emptiesOf } from './empties.ts';
import { candidates } from './pick.ts';
import type { Effect, ScaleInSeen, ScaleInState, ScaleInStep, Victim } from './scale-in.ts';

/** A replica taken back is not picked again for this long, ms. */
const SPARED_MS = 10_000;

/**
 * One step of scale-in, the same for every target: pick idle replicas, cordon them, verify that they stayed idle, mark them, shrink by
 * exactly their number in one write, confirm that they are the ones that go; take the cordon back as soon as they are wanted again or
 * turn out busy. Replicas in which nothing runs go without all that. Pure: effects are carried out by the caller, their answers come
 * back in `seen`.
 * @param nowMs epoch milliseconds
 */
export function step(nowMs: number, state: ScaleInState, seen: ScaleInSeen): ScaleInStep {
  const byId = new Map(seen.replicas.map((replica) => [replica.id, replica]));
  const spared = Object.fromEntries(Object.entries(state.sparedUntilMs).filter(([id, untilMs]) => untilMs > nowMs && byId.has(id)));
  const effects: Effect[] = [];
  const victims: Victim[] = [];
  for (const victim of state.victims) {
    const advanced = advance(nowMs, victim, byId.get(victim.id), seen.answers[victim.id]);
    effects.push(...advanced.effects);
    if (advanced.spared === true) spared[victim.id] = nowMs + SPARED_MS;
    if (advanced.victim !== null) victims.push(advanced.victim);
  }
  const known = new Set(victims.map((victim) => victim.id));
  for (const replica of seen.replicas) {
    // Its target had let it go and keeps it after all.
    if (replica.phase !== 'ready' || !replica.cordoned || replica.nodename === null || known.has(replica.id)) continue;
    const orphan = { ...victimOf(nowMs, { ...replica, nodename: replica.nodename }), stage: 'restoring' as const };
    const restored = restore(nowMs, orphan, 'it stays after all');
    effects.push(...restored.effects);
    if (restored.victim !== null) victims.push(restored.victim);
  }
  return settle(nowMs, { ...state, victims, sparedUntilMs: spared }, effects, seen);
}

function settle(nowMs: number, state: ScaleInState, effects: Effect[], seen: ScaleInSeen): ScaleInStep {
  const { victims, sparedUntilMs } = state;
  const inStage = (...stages: readonly Victim['stage'][]): readonly Victim[] => victims.filter((victim) => stages.includes(victim.stage));
  const current = seen.replicas.filter((replica) => replica.phase === 'ready' || replica.phase === 'starting').length;
  const removing = inStage('removing');
  const marked = inStage('marked');
  const pending = inStage('cordoning', 'verifying', 'marking');
  const excess = Math.max(0, current - seen.want - removing.length);
  const empties = emptiesOf(nowMs, seen, { surplus: excess, current, trimmedAtMs: state.trimmedAtMs });
  // What has not begun to run goes before what runs.
  const surplus = Math.max(0, excess - empties.starting);

  // Those verified first go first; whoever is beyond the surplus is taken back, the latest cordoned first.
  const awaited = Math.max(0, surplus - marked.length);
  const tooMany = [...marked.slice(surplus), ...pending.slice(awaited)];
  const staying = marked.slice(0, surplus);
  const going = mayGo(nowMs, staying, pending.slice(0, awaited), seen, empties) ? staying : [];
  const next = victims.map((victim): Victim => {
    if (going.includes(victim)) return { ...victim, stage: 'removing', sinceMs: nowMs };
    if (!tooMany.includes(victim)) return victim;
    const restored = restore(nowMs, victim, 'it is needed again');
    effects.push(...restored.effects);
    return restored.victim ?? victim;
  });
  const out = [...empties.trim, ...going].map(({ id }) => id);
  if (out.length > 0) {
    const fewer = going.length + empties.trim.filter((replica) => replica.phase === 'starting').length;
    // Before any mark of this step: who is marked while others are taken out might go in their place.
    effects.unshift({ kind: 'remove', ids: out, replicas: current - removing.length - fewer });
  }
  const room = seen.hold === null ? surplus - marked.length - pending.length : 0;
  const picked = room > 0 ? pickMore(nowMs, room, next, sparedUntilMs, seen.replicas) : [];
  effects.push(...picked.map((victim): Effect => ({ kind: 'cordon', id: victim.id, nodename: victim.nodename })));
  return {
    state: { victims: [...next, ...picked], sparedUntilMs, trimmedAtMs: empties.trim.length > 0 ? nowMs : state.trimmedAtMs },
    effects: inOne(withoutUndone(effects, tooMany)),
  };
}

/** Whether those marked go now: nothing speaks against it, and the rest of their batch has come as far or is not waited for. */
function mayGo(nowMs: number, marked: readonly Victim[], pending: readonly Victim[], seen: ScaleInSeen, empties: Empties): boolean {
  if (marked.length === 0 || seen.hold !== null || empties.underWay) return false;
  if (pending.some((victim) => victim.stage === 'marking')) return false;
  const firstMs = Math.min(...marked.map((victim) => victim.sinceMs));
  const batch = pending.filter((victim) => (victim.stage === 'cordoning' ? victim.sinceMs : victim.cordonedAtMs) <= firstMs);
  return batch.length === 0 || nowMs - firstMs >= BATCH_MS;
}

function pickMore(
  nowMs: number,
  room: number,
  victims: readonly Victim[],
  spared: Readonly<Record<string, number>>,
  replicas: readonly ReplicaSeen[],
): readonly Victim[] {
  const taken = new Set(victims.map((victim) => victim.id));
  return candidates(replicas)
    .filter((replica) => !taken.has(replica.id) && spared[replica.id] === undefined)
    .slice(0, room)
    .map((replica) => victimOf(nowMs, replica));
}

function victimOf(nowMs: number, { id, nodename, onlineAtMs }: ReplicaSeen & { readonly nodename: string }): Victim {
  return { id, nodename, onlineAtMs, stage: 'cordoning', sinceMs: nowMs, cordonedAtMs: 0, beats: 0, lastBeatMs: 0, why: '' };
}

/** Effects of victims that are taken back in the same step, except the taking back, are not carried out. */
function withoutUndone(effects: readonly Effect[], undone: readonly Victim[]): readonly Effect[] {
  const ids = new Set(undone.map((victim) => victim.id));
  return effects.filter((effect) => {
    if (effect.kind === 'mark') return !effect.ids.every((id) => ids.has(id));
    return effect.kind === 'uncordon' || effect.kind === 'remove' || !ids.has(effect.id);
  });
}

/** Marks asked for in one step as one effect, where the first of them stood. */
function inOne(effects: readonly Effect[]): readonly Effect[] {
  const ids = effects.flatMap((effect) => (effect.kind === 'mark' ? effect.ids : []));
  const first = effects.findIndex((effect) => effect.kind === 'mark');
  return effects.flatMap((effect, index): readonly Effect[] => {
    if (effect.kind !== 'mark') return [effect];
    return index === first ? [{ kind: 'mark', ids }] : [];
  });
}
