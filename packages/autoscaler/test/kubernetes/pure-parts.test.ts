import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differences } from '../../src/kubernetes/audit.ts';
import { backoffMs } from '../../src/kubernetes/backoff.ts';
import { createLineSplitter } from '../../src/kubernetes/json-lines.ts';
import { parseQuantity } from '../../src/kubernetes/quantity.ts';
import { createTurns } from '../../src/kubernetes/turns.ts';

describe('quantities', () => {
  it.each([
    ['500m', 0.5],
    ['100m', 0.1],
    ['2', 2],
    [3, 3],
    ['1.5', 1.5],
    ['.5', 0.5],
    ['1Gi', 1_073_741_824],
    ['512Mi', 536_870_912],
    ['1G', 1e9],
    ['2k', 2_000],
    ['12e3', 12_000],
    ['1E2', 100],
    ['1E', 1e18],
    ['-1', -1],
    ['250u', 0.00025],
  ])('reads %s', (text, amount) => {
    expect(parseQuantity(text)).toBeCloseTo(amount, 10);
  });

  it.each(['', 'a', '1GiB', '1 Gi', '1e', '--1', '1e9999', null, undefined, {}, Number.NaN, 'x'.repeat(1_000)])('refuses %s', (text) => {
    expect(parseQuantity(text)).toBeNull();
  });
});

describe('waits after failures', () => {
  const spec = { firstMs: 500, mostMs: 30_000 };

  it('double up to the most', () => {
    expect([1, 2, 3, 7, 1_000].map((failures) => backoffMs(failures, spec, 1))).toEqual([500, 1_000, 2_000, 30_000, 30_000]);
  });

  it('are spread over the upper half', () => {
    expect(backoffMs(3, spec, 0)).toBe(1_000);
    expect(backoffMs(3, spec, 0.5)).toBe(1_500);
  });
});

describe('lines of a stream', () => {
  it('come out whole however the bytes are cut', () => {
    const lines = fc.array(fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ' ')));
    fc.assert(
      fc.property(lines, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (written, sizes) => {
        const bytes = Buffer.from(written.map((line) => `${line}\n`).join(''));
        const splitter = createLineSplitter(1e6);
        const read: string[] = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = sizes[turn % sizes.length] ?? 1;
          read.push(...splitter.push(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(read).toEqual(written);
      }),
    );
  });

  it('are limited in length', () => {
    const splitter = createLineSplitter(10);
    expect(splitter.push(Buffer.from('12345'))).toEqual([]);
    expect(() => splitter.push(Buffer.from('678901'))).toThrow('longer than 10 bytes');
  });
});

describe('a check of the cache', () => {
  const cache = (entries: Readonly<Record<string, string>>): Map<string, { readonly resourceVersion: string }> =>
    new Map(Object.entries(entries).map(([uid, resourceVersion]) => [uid, { resourceVersion }]));

  it('counts what is missing, surplus and outdated', () => {
    const listed = new Map(Object.entries({ a: '1', b: '2', c: '3' }));
    expect(differences(listed, cache({ a: '1', b: '1', d: '4' }), new Set())).toEqual({ missing: 1, surplus: 1, outdated: 1 });
    expect(differences(listed, cache({ a: '1', b: '2', c: '3' }), new Set())).toEqual({ missing: 0, surplus: 0, outdated: 0 });
  });

  it('asks nothing of objects that were told of meanwhile', () => {
    const listed = new Map(Object.entries({ a: '1', b: '2' }));
    expect(differences(listed, cache({ a: '2', c: '1' }), new Set(['a', 'b', 'c']))).toEqual({ missing: 0, surplus: 0, outdated: 0 });
  });
});

it('takes turns: so many at a time, in order, whatever becomes of them', async () => {
  const turn = createTurns(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const runs = [0, 1, 2, 3].map((index) =>
    turn(async () => {
      begun.push(index);
      await new Promise<void>((resolve) => ends.push(resolve));
      if (index === 0) throw new Error('failed');
      return index;
    }),
  );
  const settled = Promise.allSettled(runs);
  expect(begun).toEqual([0, 1]);
  ends[0]?.();
  await runs[0]?.catch(() => {});
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2]);
  ends[1]?.();
  ends[2]?.();
  await runs[2];
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2, 3]);
  ends[3]?.();
  expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
});
