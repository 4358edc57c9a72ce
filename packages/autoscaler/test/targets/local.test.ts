import { describe, expect, it } from 'vitest';
import { fillCommand } from '../../src/targets/local/command-template.ts';
import { afterCrash, growthAllowed, noCrashes } from '../../src/targets/local/crash-backoff.ts';

const values = { queues: ['a', 'b'], name: 'p-1@%h', slots: 4, pool: 'p' };

describe('command templates', () => {
  it('fill every placeholder, also inside a word, and leave the rest alone', () => {
    expect(
      fillCommand(['celeriac', 'worker', '-Q', '{queues}', '-n{name}', '-c', '{slots}', '--x={pool}', '{}', '$HOME', '%h'], values),
    ).toEqual(['celeriac', 'worker', '-Q', 'a,b', '-np-1@%h', '-c', '4', '--x=p', '{}', '$HOME', '%h']);
  });
  it('refuse a placeholder that is not there, naming those that are', () => {
    expect(() => fillCommand(['{queue}'], values)).toThrow(/\{queue\}; known are \{queues\} \{name\} \{slots\} \{pool\}/);
  });
  it('refuse {slots} where the pool has no slotsPerReplica', () => {
    expect(() => fillCommand(['{slots}'], { ...values, slots: null })).toThrow(/slotsPerReplica is not set/);
  });
});

describe('crashes', () => {
  it('of a replica that never came up back off: 1 s, 2 s, 4 s, ... 60 s', () => {
    let backoff = noCrashes;
    const waits = Array.from({ length: 9 }, () => {
      backoff = afterCrash(backoff, 'exited with code 1', 0, false);
      return backoff.untilMs;
    });
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });
  it('allow nothing while backing off, then one to try with', () => {
    const twice = afterCrash(afterCrash(noCrashes, 'x', 0, false), 'exited with code 78', 1_000, false);
    expect(growthAllowed(twice, 1_001)).toEqual({
      kind: 'limited',
      pending: 0,
      reason: 'replicas ended 2 times in a row, the last: exited with code 78; next try in 2 s',
      untilMs: 3_000,
    });
    expect(growthAllowed(twice, 3_000)).toMatchObject({ kind: 'limited', pending: 1, untilMs: null });
    expect(growthAllowed(noCrashes, 0)).toEqual({ kind: 'open' });
  });
  it('of a replica that had worked are replaced at once, one at a time', () => {
    expect(growthAllowed(afterCrash(noCrashes, 'killed by SIGKILL', 500, true), 500)).toMatchObject({ kind: 'limited', pending: 1 });
  });
});
