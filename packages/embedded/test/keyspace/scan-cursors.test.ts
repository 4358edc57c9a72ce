import { expect, test } from 'vitest';
import { ScanCursors } from '../../src/keyspace/scan-cursors.ts';

const pageThrough = (source: Map<string, number>, cursors: ScanCursors, betweenPages: (page: number) => void): string[] => {
  const seen: string[] = [];
  let cursor = '0';
  for (let page = 0; ; page += 1) {
    const read = cursors.page(source, () => source.keys(), cursor, 10);
    seen.push(...read.items);
    if (read.cursor === '0') return seen;
    cursor = read.cursor;
    betweenPages(page);
  }
};

test('what is there all the time is seen once; what comes and goes does not keep the scan going', () => {
  const source = new Map(Array.from({ length: 1_000 }, (_, index) => [`stays${index}`, index]));
  const seen = pageThrough(source, new ScanCursors(), (page) => {
    for (let index = 0; index < 20; index += 1) source.set(`new${page}-${index}`, 0);
    source.delete(`new${page - 1}-3`);
  });
  const stays = seen.filter((key) => key.startsWith('stays'));
  expect(stays).toHaveLength(1_000);
  expect(new Set(stays).size).toBe(1_000);
});

test('deleting what was seen loses nothing', () => {
  const source = new Map(Array.from({ length: 500 }, (_, index) => [`k${index}`, index]));
  const seen = pageThrough(source, new ScanCursors(), (page) => {
    for (let index = 0; index < 10; index += 1) source.delete(`k${page * 10 + index}`);
  });
  expect(new Set(seen).size).toBe(500);
});

test('a cursor that is not known starts over', () => {
  const source = new Map(Array.from({ length: 30 }, (_, index) => [`k${index}`, index]));
  expect(new ScanCursors().page(source, () => source.keys(), '77', 10).items[0]).toBe('k0');
});
