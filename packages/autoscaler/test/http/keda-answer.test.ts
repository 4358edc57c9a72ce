import { describe, expect, it } from 'vitest';
import { decide } from '../../src/decide/decide.ts';
import type { PoolSeen, ReplicaSeen } from '../../src/decide/seen.ts';
import { kedaWish, knownIdle } from '../../src/http/keda-answer.ts';
import { reading, unavailable } from '../../src/window/sample.ts';
import { NOW, replica, replicas, restedState, seen, spec } from '../pool-fixtures.ts';

const dryRun = spec({ mode: 'dry-run' });
function wish(ofSeen: PoolSeen, before: readonly ReplicaSeen[] = []): number | null {
  return kedaWish({ seen: ofSeen, decision: decide(NOW, dryRun, ofSeen, restedState(before)) });
}
const stuck = (id: string): ReplicaSeen => replica(id, { phase: 'stuck', why: 'ImagePullBackOff: x', onlineAtMs: null, empty: true });

describe('what KEDA is told', () => {
  it('is what the pool wants, up and down', () => {
    expect(wish(seen(0))).toBe(0);
    expect(wish(seen(4_000))).toBe(20);
    const idle = replicas(3);
    expect(wish(seen(0, idle), idle)).toBe(0);
  });

  it('is not told where the replicas cannot be read', () => {
    expect(wish(seen(0, [], { replicas: unavailable('watch broken', NOW - 1_000) }))).toBeNull();
  });

  it('keeps stuck replicas while it cannot grow because of them, and lets them go when they are not wanted', () => {
    const some = [...replicas(2, { active: reading(4, NOW) }), stuck('s1'), stuck('s2')];
    const frozen = { kind: 'limited', pending: 0, reason: 'ImagePullBackOff: x', untilMs: null } as const;
    expect(wish(seen(400, some, { growth: frozen }), some)).toBe(4);
    expect(wish(seen(0, some, { growth: frozen }), some)).toBe(2);
  });

  it('keeps all there are while a signal is missing', () => {
    const some = [...replicas(2), stuck('s1')];
    expect(wish(seen(null, some), some)).toBe(3);
  });

  it('takes nobody for idle by the first word, by silence, or with work in hand', () => {
    const one = (id: string, changes: Partial<ReplicaSeen>): ReplicaSeen => replica(id, changes);
    const all = [
      one('idle', {}),
      one('young', { onlineAtMs: NOW }),
      one('busy', { active: reading(1, NOW) }),
      one('holding', { reserved: reading(1, NOW) }),
      one('later', { scheduled: reading(1, NOW) }),
      one('silent', { active: unavailable('no heartbeat', NOW) }),
      one('starting', { phase: 'starting' }),
    ];
    expect([...knownIdle({ seen: seen(0, all) })]).toEqual(['idle']);
  });
});
