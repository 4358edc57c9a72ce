import { instantText, parseInstant } from '@celeriac/protocol';
import { expect, test } from 'vitest';

test.each<[string, number | undefined]>([
  ['2026-11-21T10:00:00.123456+00:00', Date.UTC(2026, 10, 21, 10) + 123.456],
  ['2026-11-21T10:00:00', Date.UTC(2026, 10, 21, 10)],
  ['2026-11-21T10:00:00Z', Date.UTC(2026, 10, 21, 10)],
  ['2026-11-21 10:00+02:30', Date.UTC(2026, 10, 21, 7, 30)],
  ['2026-11-21T10:00:00-0530', Date.UTC(2026, 10, 21, 15, 30)],
  ['2026-11-21', Date.UTC(2026, 10, 21)],
  ['20261121T100000Z', Date.UTC(2026, 10, 21, 10)],
  ['2026-11-21T24:00:00', Date.UTC(2026, 10, 22)],
  ['2024-02-29T00:00:00', Date.UTC(2024, 1, 29)],
  ['0001-01-01T00:00:00', -62135596800000],
  ['2025-02-29T00:00:00', undefined],
  ['2026-04-31T00:00:00', undefined],
  ['2026-13-01T00:00:00', undefined],
  ['2026-11-21T25:00:00', undefined],
  ['2026-11-21T10:60:00', undefined],
  ['0000-01-01T00:00:00', undefined],
  ['10000-01-01T00:00:00', undefined],
  ['tomorrow', undefined],
  ['', undefined],
])('%s', (text, epochMs) => {
  const instant = parseInstant(text);
  if (epochMs === undefined) expect(instant).toBeUndefined();
  else {
    expect(instant?.text).toBe(text);
    expect(instant?.epochMs).toBeCloseTo(epochMs, 3);
  }
});

test('a time without zone is local where the message says so (protocol 1, utc false)', () => {
  expect(parseInstant('2026-07-01T12:00:00', true)?.epochMs).toBe(new Date(2026, 6, 1, 12).getTime());
  expect(parseInstant('2026-07-01T12:00:00+00:00', true)?.epochMs).toBe(Date.UTC(2026, 6, 1, 12));
});

test('what is written is read', () => {
  const date = new Date(Date.UTC(2026, 10, 21, 10, 11, 12, 13));
  expect(instantText(date)).toBe('2026-11-21T10:11:12.013000+00:00');
  expect(parseInstant(instantText(date))?.epochMs).toBe(date.getTime());
});
