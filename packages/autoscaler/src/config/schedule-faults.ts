import { readCron } from '../schedule/cron.ts';
import type { Fault } from './fault.ts';
import type { PoolsFile } from './pools-file.ts';

/** What is wrong with the moments and time zones of schedules. Loads croner only where there are any. */
export async function scheduleFaults(file: PoolsFile): Promise<readonly Fault[]> {
  const windows = Object.entries(file.pools).flatMap(([pool, { scaling }]) =>
    (scaling.schedules ?? []).map((window, index) => ({ window, path: ['pools', pool, 'scaling', 'schedules', index] as const })),
  );
  const faults = await Promise.all(
    windows.map(async ({ window, path }): Promise<readonly Fault[]> => {
      const ends = await Promise.all(
        (['from', 'to'] as const).map(async (key) => ({ key, read: await readCron(window[key], window.timeZone) })),
      );
      const found = ends.flatMap(({ key, read }) =>
        'text' in read ? [{ path: [...path, read.part === 'timeZone' ? 'timeZone' : key], text: read.text }] : [],
      );
      // A wrong zone is said once.
      return found.filter((fault, index) => found.findIndex((other) => other.text === fault.text) === index);
    }),
  );
  return faults.flat();
}
