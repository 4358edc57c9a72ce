import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noOrders } from '../../src/decide/seen.ts';
import type { PoolMemory } from '../../src/lease/memory.ts';
import { formatMemory, parseMemory } from '../../src/lease/memory-format.ts';
import { noColdStart } from '../../src/window/cold-start.ts';
import { highest } from '../../src/window/high-water.ts';
import { noServiceTime } from '../../src/window/service-time.ts';

const NOW_MS = 1_795_267_200_000;
const blank: PoolMemory = {
  busyAtMs: NOW_MS,
  wishes: [],
  service: noServiceTime,
  coldStart: noColdStart,
  slotsPerReplica: null,
  orders: noOrders,
  cordoned: {},
  removing: [],
};

/** Of a busy pool, with digits that cannot be packed. */
function busy(index: number): PoolMemory {
  const noise = (salt: number): number => Math.abs(Math.sin(index * 7.13 + salt)) * 1e5;
  return {
    busyAtMs: NOW_MS - index * 1_000,
    wishes: Array.from({ length: 1 + (index % 6) }, (_, at) => ({ atMs: NOW_MS - 60_000 + at * 9_000, replicas: 40 - at * 5 })),
    service: {
      recent: { busySlotMs: noise(1), begun: 16, prior: 0 },
      long: { busySlotMs: noise(2), begun: noise(3) / 300, prior: noise(4) / 1e6 },
    },
    coldStart: { meanMs: noise(5), deviationMs: noise(6), count: 12 },
    slotsPerReplica: 4,
    orders: index % 50 === 0 ? { pause: 'in', fixed: null, forceActive: false, by: 'someone@example.org' } : noOrders,
    cordoned:
      index % 10 === 0
        ? { [`pool-${index}-6c9f7d8b5-x${index}`]: { nodename: `celery@pool-${index}-6c9f7d8b5-x${index}`, queues: [`queue-${index}`] } }
        : {},
    removing: index % 20 === 0 ? [`pool-${index}-6c9f7d8b5-x${index}`] : [],
  };
}

describe('what survives the holder of a lease', () => {
  it('comes back as it was, times to the second above', () => {
    const memory = busy(100);
    const back = parseMemory(formatMemory(new Map([['a', memory]]))).get('a');
    expect(back?.orders).toEqual(memory.orders);
    expect(back?.cordoned).toEqual(memory.cordoned);
    expect(back?.removing).toEqual(memory.removing);
    expect(back?.slotsPerReplica).toBe(4);
    expect(back?.wishes).toEqual(memory.wishes);
    expect(back?.service.recent.busySlotMs).toBeCloseTo(memory.service.recent.busySlotMs, -2);
    expect(back?.coldStart.meanMs).toBeCloseTo(memory.coldStart.meanMs, -2);
  });

  it('stays readable while it is small', () => {
    expect(formatMemory(new Map([['default', busy(10)]]))).toContain('"default"');
  });

  it('takes a fraction of what one object may hold for a thousand pools', () => {
    const text = formatMemory(new Map(Array.from({ length: 1_000 }, (_, index) => [`pool-${index}`, busy(index)])));
    expect(text.length).toBeLessThan(64 * 1_024);
    expect(parseMemory(text).size).toBe(1_000);
    expect(parseMemory(text).get('pool-777')).toBeDefined();
  });

  it('never makes a shrink come earlier, however many wishes are joined', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 5_000 }), { maxLength: 300 }), (counts) => {
        const wishes = counts.toSorted((a, b) => b - a).map((replicas, index) => ({ atMs: NOW_MS - 300_000 + index * 1_000, replicas }));
        const back = parseMemory(formatMemory(new Map([['a', { ...blank, wishes }]]))).get('a')?.wishes ?? [];
        expect(back.length).toBeLessThanOrEqual(16);
        for (const { atMs } of wishes) {
          const after = (of: typeof wishes) => highest(of.filter((wish) => wish.atMs >= atMs))?.replicas ?? 0;
          expect(after([...back])).toBeGreaterThanOrEqual(after(wishes));
        }
      }),
    );
  });

  it('reads what it knows of a text with more in it, and of one with less', () => {
    const more = parseMemory('{"v":1,"new":true,"pools":{"a":{"b":5,"n":2,"later":[1]}}}');
    expect(more.get('a')).toEqual({ ...blank, busyAtMs: 5_000, slotsPerReplica: 2 });
    expect(parseMemory('{"v":1,"pools":{"a":{}}}').get('a')).toEqual({ ...blank, busyAtMs: 0 });
  });

  it.each([
    ['wishes that do not fall', { w: [5, 1, 6, 9] }],
    ['wishes that are no numbers', { w: ['x', 1] }],
    ['a service time that is too short', { s: [1, 2] }],
    ['a service time below nothing', { s: [-1, 1, 1, 1, 1, 1] }],
    ['a cold start of another kind', { c: 'soon' }],
    ['slots that are none', { n: 0 }],
    ['cordons of another kind', { k: [7, ['only-an-id'], ['id', 3]] }],
    ['removals of another kind', { r: 'all' }],
    ['orders of another kind', { o: 'stop' }],
    ['an order nobody knows', { o: { p: 'sideways', f: -3, a: 1, by: 7 } }],
  ])('takes %s for nothing learnt', (_, row) => {
    expect(parseMemory(JSON.stringify({ v: 1, pools: { a: row } })).get('a')).toEqual({ ...blank, busyAtMs: 0 });
  });

  it.each([
    ['no JSON', 'x'],
    ['no object', '7'],
    ['no version', '{"pools":{}}'],
    ['a later version', '{"v":2,"pools":{}}'],
    ['no pools', '{"v":1}'],
    ['something else than packed text', '{"v":1,"gzip":"AAAA"}'],
    ['more than anybody remembers', JSON.stringify({ v: 1, gzip: gzipSync(Buffer.alloc(64 * 1_024 * 1_024)).toString('base64') })],
  ])('refuses %s with a code', (_, text) => {
    expect(() => parseMemory(text)).toThrow(expect.objectContaining({ code: 'CELERIAC_E_LEASE_MEMORY' }));
  });

  it('reads or refuses anything, and never fails otherwise', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((pools) => `{"v":1,"pools":{"a":${pools}}}`),
        ),
        (text) => {
          try {
            parseMemory(text);
          } catch (error) {
            expect(error).toMatchObject({ code: 'CELERIAC_E_LEASE_MEMORY' });
          }
        },
      ),
    );
  });
});
