import { CeleriacError } from '@celeriac/protocol';
import type { ScheduleSeen } from '../decide/seen.ts';
import { type Recurrence, readCron } from './cron.ts';
import type { ScheduleWindow } from './window.ts';

/** What a pool's schedule says at a moment, epoch ms. Pure. */
export type Schedule = (nowMs: number) => ScheduleSeen;

interface Recurring {
  readonly window: ScheduleWindow;
  readonly from: Recurrence;
  readonly to: Recurrence;
}

/**
 * Makes a pool's schedule. A window is in force from its beginning up to its end, that moment not included; of several in force the highest
 * min and the highest max count. Where none is, min and max are null and `untilMs` says when the next one begins.
 * @throws CeleriacError CELERIAC_E_CONFIG for a window that cannot be read
 */
export async function createSchedule(windows: readonly ScheduleWindow[]): Promise<Schedule> {
  const recurring = await Promise.all(
    windows.map(async (window): Promise<Recurring> => {
      const [from, to] = await Promise.all([readCron(window.from, window.timeZone), readCron(window.to, window.timeZone)]);
      if ('text' in from) throw new CeleriacError('CELERIAC_E_CONFIG', `schedule: ${from.text}`);
      if ('text' in to) throw new CeleriacError('CELERIAC_E_CONFIG', `schedule: ${to.text}`);
      return { window, from, to };
    }),
  );
  return (nowMs) => scheduleAt(recurring, nowMs);
}

function scheduleAt(recurring: readonly Recurring[], nowMs: number): ScheduleSeen {
  const open = recurring.filter((one) => isOpen(one, nowMs));
  // Those that are open may end, the others may begin.
  const changes = recurring.flatMap((one) => (open.includes(one) ? one.to : one.from).after(nowMs) ?? []);
  const untilMs = changes.length === 0 ? null : Math.min(...changes);
  if (open.length === 0) return { min: null, max: null, text: 'no window is in force', untilMs };
  return {
    min: Math.max(...open.map(({ window }) => window.min)),
    max: Math.max(...open.map(({ window }) => window.max)),
    text: `the schedule ${open.map(({ window }) => `${window.from} to ${window.to} ${window.timeZone}`).join(' and ')}`,
    untilMs,
  };
}

function isOpen({ from, to }: Recurring, nowMs: number): boolean {
  const begunMs = from.upTo(nowMs);
  if (begunMs === null) return false;
  const endedMs = to.upTo(nowMs);
  return endedMs === null || begunMs > endedMs;
}
