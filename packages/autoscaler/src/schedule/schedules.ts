import type { PoolConfig } from '../config/pools-config.ts';
import type { ScheduleSeen } from '../decide/seen.ts';
import { createSchedule } from './schedule.ts';

/** What the schedule of a pool says at a moment, epoch ms; null where it has none. */
export type Schedules = (pool: string, nowMs: number) => ScheduleSeen | null;

/**
 * The schedules of all pools. An answer is kept for as long as it stands, so that a turn costs nothing.
 * @throws CeleriacError CELERIAC_E_CONFIG for a window that cannot be read
 */
export async function createSchedules(pools: readonly PoolConfig[]): Promise<Schedules> {
  const schedules = new Map(
    await Promise.all(
      pools
        .filter(({ schedules: windows = [] }) => windows.length > 0)
        .map(async ({ spec, schedules: windows = [] }) => [spec.pool, await createSchedule(windows)] as const),
    ),
  );
  const kept = new Map<string, { readonly sinceMs: number; readonly seen: ScheduleSeen }>();
  return (pool, nowMs) => {
    const schedule = schedules.get(pool);
    if (schedule === undefined) return null;
    const last = kept.get(pool);
    if (last !== undefined && nowMs >= last.sinceMs && nowMs < (last.seen.untilMs ?? Number.POSITIVE_INFINITY)) return last.seen;
    const seen = schedule(nowMs);
    kept.set(pool, { sinceMs: nowMs, seen });
    return seen;
  };
}
