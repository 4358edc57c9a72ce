/** A stretch of time that comes again and again, with bounds of its own. Plain data. */
export interface ScheduleWindow {
  /** When it begins and when it ends, as five fields of cron: minute, hour, day of month, month, day of week. */
  readonly from: string;
  readonly to: string;
  /** IANA name, such as `Europe/Berlin`. */
  readonly timeZone: string;
  readonly min: number;
  readonly max: number;
}
