import type { ReplicaSeen } from '../decide/seen.ts';
import { advance, restore } from './advance.ts';
import { candidates } from './pick.ts';
import type { Effect, ScaleInSeen, ScaleInState, ScaleInStep, Victim } from './scale-in.ts';

/** A replica taken back is not picked again for this long, ms. */
const SPARED_MS = 10_000;

/**
 * One step of scale-in, the same for every target: pick idle replicas, cordon them, verify that they stayed idle, mark them, shrink by
 * exactly their number, confirm that they are the ones that go; take the cordon back as soon as they are wanted again or turn out busy.
 * Pure: effects are carried out by the caller, their answers come back in `seen`.
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
  return settle(nowMs, victims, spared, effects, seen, state);
}

function settle(
  nowMs: number,
  victims: readonly Victim[],
  spared: Readonly<Record<string, number>>,
  effects: Effect[],
  seen: ScaleInSeen,
  before: ScaleInState,
): ScaleInStep {
  const current = seen.replicas.filter((replica) => replica.phase === 'ready' || replica.phase === 'starting').length;
  const removing = victims.filter((victim) => victim.stage === 'removing');
  const pending = victims.filter((victim) => victim.stage !== 'removing' && victim.stage !== 'restoring');
  const wanted = new Set(before.victims.filter((victim) => victim.stage === 'removing').map((victim) => victim.id));
  const newly = removing.filter((victim) => !wanted.has(victim.id));
  const surplus = Math.max(0, current - seen.want - (removing.length - newly.length));

  // Those verified first go first; whoever is beyond the surplus is taken back, the latest cordoned first.
  const going = newly.slice(0, surplus);
  const tooMany = [...newly.slice(surplus), ...pending.slice(Math.max(0, surplus - going.length))];
  const next = victims.map((victim) => {
    if (!tooMany.includes(victim)) return victim;
    const restored = restore(nowMs, victim, 'it is needed again');
    effects.push(...restored.effects);
    return restored.victim ?? victim;
  });
  if (going.length > 0) {
    const replicas = current - (removing.length - newly.length) - going.length;
    effects.push({ kind: 'remove', ids: going.map((victim) => victim.id), replicas });
  }
  const room = surplus - going.length - pending.length;
  const picked = room > 0 ? pickMore(nowMs, room, next, spared, seen.replicas) : [];
  effects.push(...picked.map((victim): Effect => ({ kind: 'cordon', id: victim.id, nodename: victim.nodename })));
  return { state: { victims: [...next, ...picked], sparedUntilMs: spared }, effects: withoutUndone(effects, tooMany) };
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
    .map((replica) => ({
      id: replica.id,
      nodename: replica.nodename,
      stage: 'cordoning',
      sinceMs: nowMs,
      cordonedAtMs: 0,
      beats: 0,
      lastBeatMs: 0,
      why: '',
    }));
}

/** Effects of victims that are taken back in the same step, except the taking back, are not carried out. */
function withoutUndone(effects: readonly Effect[], undone: readonly Victim[]): readonly Effect[] {
  const ids = new Set(undone.map((victim) => victim.id));
  return effects.filter((effect) => {
    if (effect.kind === 'mark') return !effect.ids.every((id) => ids.has(id));
    return effect.kind === 'uncordon' || effect.kind === 'remove' || !ids.has(effect.id);
  });
}
