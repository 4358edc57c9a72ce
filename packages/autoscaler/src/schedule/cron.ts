import type { Cron as CronerCron } from 'croner';

/** Moments that come again and again, by the wall clock of a time zone. */
export interface Recurrence {
  /** The first one after this moment, epoch ms; null for never. */
  after(ms: number): number | null;
  /** The last one at or before this moment, epoch ms; null for never. */
  upTo(ms: number): number | null;
}

/** What is wrong with a pattern or a zone, and what to write instead. */
export interface CronFault {
  readonly part: 'pattern' | 'timeZone';
  readonly text: string;
}

const SECOND_MS = 1_000;

/**
 * Reads five fields of cron. Where clocks are put forward, a moment that is skipped comes when they have been; where they are put back, a
 * moment that is there twice comes the first time. Resolves with a fault for what cannot be read or never comes.
 */
export async function readCron(pattern: string, timeZone: string): Promise<Recurrence | CronFault> {
  const { Cron } = await import('croner');
  if (!isTimeZone(timeZone))
    return { part: 'timeZone', text: `no time zone ${timeZone}; write an IANA name, such as Europe/Berlin or UTC` };
  const fields = pattern.trim().split(/\s+/).length;
  if (fields !== 5) {
    return {
      part: 'pattern',
      text: `${fields} fields where five are needed: minute hour day-of-month month day-of-week, such as 0 8 * * 1-5`,
    };
  }
  let cron: CronerCron;
  try {
    // Paused: it is only asked for moments and starts no timer.
    cron = new Cron(pattern, { timezone: timeZone, mode: '5-part', paused: true });
  } catch (error) {
    const why = (error as Error).message.replace(/^CronPattern: /, '');
    return { part: 'pattern', text: `${why}; write minute hour day-of-month month day-of-week, such as 0 8 * * 1-5` };
  }
  const after = (ms: number): number | null => cron.nextRun(new Date(ms))?.getTime() ?? null;
  // Croner looks before a moment and counts in whole seconds.
  const upTo = (ms: number): number | null =>
    cron.previousRuns(1, new Date(Math.floor(ms / SECOND_MS) * SECOND_MS + SECOND_MS))[0]?.getTime() ?? null;
  if (after(0) === null) return { part: 'pattern', text: `${pattern} never comes` };
  return { after, upTo };
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
