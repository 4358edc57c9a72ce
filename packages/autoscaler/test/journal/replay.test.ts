import { describe, expect, it } from 'vitest';
import { decide } from '../../src/decide/decide.ts';
import { noOrders, type Orders, type PoolSeen } from '../../src/decide/seen.ts';
import type { PoolSpec } from '../../src/decide/spec.ts';
import { explain } from '../../src/journal/explain.ts';
import type { DecisionRecord } from '../../src/journal/record.ts';
import { replay } from '../../src/journal/replay.ts';
import { NOW, replicas, restedState, seen, spec } from '../pool-fixtures.ts';

const three = replicas(3);
const rested = restedState(three, { wishes: [{ atMs: NOW - 60_000, replicas: 2 }] });
const decision = decide(NOW, spec(), seen(0, three), rested);
const record: DecisionRecord = {
  v: 2,
  type: 'decision',
  seq: 1,
  pool: 'default',
  atMs: NOW,
  spec: spec(),
  seen: seen(0, three),
  state: rested,
  decision,
};
const fromFile = (changes: object = {}): DecisionRecord => ({ ...(JSON.parse(JSON.stringify(record)) as DecisionRecord), ...changes });

describe('replay', () => {
  it('comes to the same answer from a line of JSON', () => {
    expect(replay(fromFile())).toEqual({ kind: 'same' });
  });
  it('says where an answer differs', () => {
    expect(replay(fromFile({ decision: { ...decision, to: 9 } }))).toEqual({ kind: 'different', path: 'decision.to', recorded: 9, now: 2 });
    expect(replay(fromFile({ spec: spec({ min: 3 }) }))).toMatchObject({ kind: 'different' });
  });
});

describe('explain', () => {
  it('says why the number is what it is and what would change it', () => {
    const { because, wouldChange } = explain(NOW, spec(), seen(0, three), decision);
    expect(because[0]).toBe('3 ready (0 with work), 0 starting, 0 leaving, 0 stuck; wanted: 2');
    expect(because).toContain('wish: 0 (nothing waits and nothing runs)');
    expect(because).toContain('down-delay: 2 (2 were wanted within the last 120 s)');
    expect(wouldChange).toEqual(['more waiting than 2 replicas begin within 10 s', 'in 60 s: down-delay ends']);
  });
});

/** What would change a decision made of what is seen, and why it is what it is. */
function explained(
  says: Partial<PoolSeen>,
  specChanges: Partial<PoolSpec> = {},
  waiting = 0,
): { readonly reason: string; readonly because: string; readonly change: string } {
  const pool = spec(specChanges);
  const saw = seen(waiting, three, says);
  const made = decide(NOW, pool, saw, restedState(three));
  const { because, wouldChange } = explain(NOW, pool, saw, made);
  return { reason: made.reason, because: because.join('\n'), change: wouldChange.join('\n') };
}

describe('explain says what would change', () => {
  const orders = (given: Partial<Orders>): Partial<PoolSeen> => ({ orders: { ...noOrders, ...given } });
  it.each<[string, Partial<PoolSeen>, Partial<PoolSpec>, number, string]>([
    ['paused', orders({ pause: 'all', by: 'jane' }), {}, 0, 'taking back the pause: celeriac scale resume default (ordered by jane)'],
    [
      'paused',
      orders({ pause: 'all', by: 'annotation autoscaling.keda.sh/paused' }),
      {},
      0,
      'removing the annotation autoscaling.keda.sh/paused',
    ],
    ['paused', {}, { pause: 'all' }, 0, 'taking back the pause: scaling.paused: false'],
    [
      'fixed',
      orders({ fixed: 7, by: 'joe' }),
      {},
      0,
      'another number by celeriac scale set default N, or taking it back: celeriac scale resume default (ordered by joe)',
    ],
    ['fixed', {}, { fixed: 7 }, 0, 'another scaling.replicas (now 7), or none'],
    ['force-active', orders({ forceActive: true, by: 'annotation a' }), {}, 0, 'no longer ordering it to count as active (annotation a)'],
    [
      'budget',
      { grant: { replicas: 3, besides: 0, text: 'budget b leaves 3: c has 7' } },
      {},
      999,
      'other pools of the budget wanting less, a lower tier, more weight or a larger budget',
    ],
    ['held', { hold: 'HPA app/w writes its replicas' }, {}, 0, 'nobody else writing its replicas, or otherwriters: ignore in its target'],
    [
      'schedule',
      { schedule: { min: 5, max: 9, text: 'the schedule x', untilMs: NOW + 60_000 } },
      {},
      0,
      'the end of the schedule x, or other bounds in it (now 5 to 9)',
    ],
  ])('%s', (reason, says, changes, waiting, change) => {
    const { reason: given, change: text } = explained(says, changes, waiting);
    expect(given).toBe(reason);
    expect(text.toLowerCase()).toContain(change.toLowerCase());
    // More work alone would not move it.
    expect(text).not.toContain('more waiting than 9');
  });
  it('names the next change of the schedule', () => {
    expect(explained({ schedule: { min: null, max: null, text: '', untilMs: NOW + 90_000 } }).change).toContain(
      'in 90 s: the schedule changes',
    );
  });
  it('names what is stuck once for each cause, and what limits growth', () => {
    const stuck = replicas(5, { phase: 'stuck', why: 'ImagePullBackOff: no such image' });
    const pool = spec();
    const saw = seen(0, stuck, { growth: { kind: 'limited', pending: 0, reason: 'quota is used up', untilMs: null } });
    const { because } = explain(NOW, pool, saw, decide(NOW, pool, saw, restedState()));
    expect(because).toContain('stuck: r1, r2, r3 and 2 more: ImagePullBackOff: no such image');
    expect(because).toContain('growth is limited: quota is used up');
  });
  it('says that a dry run changes nothing, and what holds it beside', () => {
    const { because } = explained({ hold: 'HPA app/w writes its replicas' }, { mode: 'dry-run' });
    expect(because).toContain('dry run: nothing is changed');
    expect(because).toContain('held: HPA app/w writes its replicas');
  });
});
