import { describe, expect, it } from 'vitest';
import { nextDueSampler } from '../../src/samplers/next-due.ts';
import { queueDepthSampler } from '../../src/samplers/queue-depth.ts';

describe('queue depths', () => {
  it('a queue that does not exist is known to be empty; an error and a late answer are not', async () => {
    let nowMs = 1_000;
    const depths: Record<string, () => Promise<number | null>> = {
      there: () => Promise.resolve(7),
      missing: () => Promise.resolve(null),
      broken: () => Promise.reject(new Error('NOAUTH')),
      late: () => new Promise(() => {}),
    };
    const sampler = queueDepthSampler({
      queues: Object.keys(depths),
      admin: { depth: (name) => depths[name]?.() ?? Promise.reject(new Error(name)) },
      now: () => nowMs,
      limitMs: 20,
    });
    nowMs = 5_000;
    const read = Object.fromEntries((await sampler.read()).map(({ name, ready }) => [name, ready]));
    expect(read.there).toEqual({ kind: 'reading', value: 7, atMs: 5_000 });
    expect(read.missing).toEqual({ kind: 'reading', value: 0, atMs: 5_000 });
    expect(read.broken).toEqual({ kind: 'unavailable', reason: 'NOAUTH', sinceMs: 1_000 });
    expect(read.late).toMatchObject({
      kind: 'unavailable',
      reason: expect.stringContaining('longer than 20 ms') as string,
      sinceMs: 1_000,
    });
  });

  it('says since when there has been no reading', async () => {
    let nowMs = 1_000;
    let fails = false;
    const depth = (): Promise<number> => (fails ? Promise.reject(new Error('gone')) : Promise.resolve(1));
    const sampler = queueDepthSampler({ queues: ['q'], admin: { depth }, now: () => nowMs, limitMs: 100 });
    nowMs = 2_000;
    await sampler.read();
    fails = true;
    nowMs = 9_000;
    expect(await sampler.read()).toEqual([{ name: 'q', ready: { kind: 'unavailable', reason: 'gone', sinceMs: 2_000 } }]);
  });
});

describe('the next due time', () => {
  it.each<[string, () => Promise<number | null | undefined>, unknown]>([
    ['a time', () => Promise.resolve(77), { kind: 'reading', value: 77, atMs: 5 }],
    ['none', () => Promise.resolve(null), { kind: 'reading', value: null, atMs: 5 }],
    ['a broker that cannot say', () => Promise.resolve(undefined), { kind: 'unavailable', reason: 'the broker cannot say', sinceMs: 5 }],
    ['an error', () => Promise.reject(new Error('gone')), { kind: 'unavailable', reason: 'gone', sinceMs: 5 }],
  ])('%s', async (_, nextDueMs, expected) => {
    expect(await nextDueSampler({ admin: { nextDueMs }, now: () => 5, limitMs: 100 }).read()).toEqual(expected);
  });
});
