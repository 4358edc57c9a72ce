import { describe, expect, it } from 'vitest';
import { decide } from '../../src/decide/decide.ts';
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
