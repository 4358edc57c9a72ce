import { isCeleriacError } from '@celeriac/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSchedule } from '../../src/schedule/schedule.ts';
import type { ScheduleWindow } from '../../src/schedule/window.ts';

const window = (changes: Partial<ScheduleWindow> = {}): ScheduleWindow => ({
  from: '0 8 * * 1-5',
  to: '0 18 * * 1-5',
  timeZone: 'Europe/Berlin',
  min: 2,
  max: 20,
  ...changes,
});

/** What a schedule says at a moment: its bounds, and until when. */
async function at(moment: string, ...windows: readonly ScheduleWindow[]): Promise<readonly [number | null, number | null, string | null]> {
  const { min, max, untilMs } = (await createSchedule(windows))(Date.parse(moment));
  return [min, max, untilMs === null ? null : new Date(untilMs).toISOString().replace(':00.000Z', 'Z')];
}

describe('a schedule', () => {
  it('is in force from the beginning of a window up to its end', async () => {
    // Monday 2 November 2026, Berlin an hour ahead of UTC.
    expect(await at('2026-11-02T06:59:59.999Z', window())).toEqual([null, null, '2026-11-02T07:00Z']);
    expect(await at('2026-11-02T07:00:00.000Z', window())).toEqual([2, 20, '2026-11-02T17:00Z']);
    expect(await at('2026-11-02T16:59:59.999Z', window())).toEqual([2, 20, '2026-11-02T17:00Z']);
    expect(await at('2026-11-02T17:00:00.000Z', window())).toEqual([null, null, '2026-11-03T07:00Z']);
  });
  it('knows on a Friday evening that Monday is next', async () => {
    expect(await at('2026-11-06T20:00:00Z', window())).toEqual([null, null, '2026-11-09T07:00Z']);
  });
  it('goes over midnight and over a week', async () => {
    const night = window({ from: '0 22 * * *', to: '0 6 * * *', timeZone: 'UTC', min: 0, max: 1 });
    expect(await at('2026-11-03T02:00:00Z', night)).toEqual([0, 1, '2026-11-03T06:00Z']);
    const weekend = window({ from: '0 18 * * 5', to: '0 6 * * 1', timeZone: 'UTC', min: 0, max: 1 });
    expect(await at('2026-11-08T12:00:00Z', weekend)).toEqual([0, 1, '2026-11-09T06:00Z']);
    expect(await at('2026-11-11T12:00:00Z', weekend)).toEqual([null, null, '2026-11-13T18:00Z']);
  });
  it('takes the highest min and the highest max of windows that overlap, until the first of them changes', async () => {
    const lunch = window({ from: '0 12 * * *', to: '0 13 * * *', timeZone: 'UTC', min: 5, max: 8 });
    const day = window({ from: '0 8 * * *', to: '0 18 * * *', timeZone: 'UTC', min: 2, max: 20 });
    expect(await at('2026-11-02T09:00:00Z', day, lunch)).toEqual([2, 20, '2026-11-02T12:00Z']);
    expect(await at('2026-11-02T12:30:00Z', day, lunch)).toEqual([5, 20, '2026-11-02T13:00Z']);
    expect((await createSchedule([day, lunch]))(Date.parse('2026-11-02T12:30:00Z')).text).toBe(
      'the schedule 0 8 * * * to 0 18 * * * UTC and 0 12 * * * to 0 13 * * * UTC',
    );
  });
  it('may begin before it has ended: a second beginning changes nothing', async () => {
    const often = window({ from: '*/10 8-11 * * *', to: '0 12 * * *', timeZone: 'UTC' });
    expect(await at('2026-11-02T10:05:00Z', often)).toEqual([2, 20, '2026-11-02T12:00Z']);
  });
});

describe('on the days when clocks change', () => {
  it('a window of the working day keeps the hours of the wall clock', async () => {
    const daily = window({ from: '0 8 * * *', to: '0 18 * * *' });
    // 29 March 2026: from here on Berlin is two hours ahead of UTC; 25 October: one hour again.
    expect(await at('2026-03-28T12:00:00Z', daily)).toEqual([2, 20, '2026-03-28T17:00Z']);
    expect(await at('2026-03-28T20:00:00Z', daily)).toEqual([null, null, '2026-03-29T06:00Z']);
    expect(await at('2026-03-29T12:00:00Z', daily)).toEqual([2, 20, '2026-03-29T16:00Z']);
    expect(await at('2026-10-25T12:00:00Z', daily)).toEqual([2, 20, '2026-10-25T17:00Z']);
  });
  it('a beginning in the hour that is skipped comes when the clock has been put forward', async () => {
    const night = window({ from: '30 2 * * *', to: '0 4 * * *' });
    expect(await at('2026-03-29T00:59:59Z', night)).toEqual([null, null, '2026-03-29T01:00Z']);
    expect(await at('2026-03-29T01:00:00Z', night)).toEqual([2, 20, '2026-03-29T02:00Z']);
  });
  it('a beginning in the hour that is there twice comes the first time', async () => {
    const night = window({ from: '30 2 * * *', to: '0 4 * * *' });
    expect(await at('2026-10-25T00:29:59Z', night)).toEqual([null, null, '2026-10-25T00:30Z']);
    expect(await at('2026-10-25T01:45:00Z', night)).toEqual([2, 20, '2026-10-25T03:00Z']);
  });
});

describe('whatever the windows', () => {
  const hour = fc.integer({ min: 0, max: 23 });
  const anyWindow = fc
    .record({
      from: hour,
      to: hour,
      minute: fc.constantFrom(0, 30),
      days: fc.constantFrom('*', '1-5', '0', '6,0'),
      timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'),
      min: fc.integer({ min: 0, max: 5 }),
      max: fc.integer({ min: 5, max: 9 }),
    })
    .filter(({ from, to }) => from !== to)
    .map(({ from, to, minute, days, ...rest }) => ({ from: `${minute} ${from} * * ${days}`, to: `${minute} ${to} * * ${days}`, ...rest }));

  it('what it says stands until the moment it names, and the moment is ahead', async () => {
    const year = { min: Date.parse('2026-01-01T00:00:00Z'), max: Date.parse('2027-12-31T00:00:00Z') };
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyWindow, { minLength: 1, maxLength: 3 }),
        fc.integer(year),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (windows, nowMs, part) => {
          const schedule = await createSchedule(windows);
          const { min, max, untilMs } = schedule(nowMs);
          expect(untilMs).toBeGreaterThan(nowMs);
          const between = schedule(Math.floor(nowMs + ((untilMs ?? nowMs) - 1 - nowMs) * part));
          expect(between).toMatchObject({ min, max, untilMs });
        },
      ),
    );
  });
});

it.each([
  ['x', 'UTC', /fields/],
  ['0 8 * * *', 'Mars/Olympus', /no time zone Mars/],
])('refuses %s in %s', async (from, timeZone, message) => {
  const refused: unknown = await createSchedule([window({ from, timeZone })]).catch((error: unknown) => error);
  expect(isCeleriacError(refused, 'CELERIAC_E_CONFIG') && refused.message).toMatch(message);
});
