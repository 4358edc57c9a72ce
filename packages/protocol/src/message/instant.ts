import type { StatedInstant } from './request.ts';

const ISO =
  /^(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?)?\s?(Z|z|([+-])(\d\d):?(\d\d)?(?::?(\d\d)(?:\.\d{1,6})?)?)?)?$/;

/**
 * Reads an ISO 8601 instant as Celery does (dateutil `isoparse`, celery/utils/iso8601.py): fractions down to nanoseconds, `Z` or an offset.
 * Without a zone it is UTC, or local time where `localTime` is set (protocol 1 with `utc: false`). undefined for anything else.
 */
export function parseInstant(text: unknown, localTime = false): StatedInstant | undefined {
  if (typeof text !== 'string' || text.length > 64) return undefined;
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [
    ,
    year,
    month,
    day,
    hour = '0',
    minute = '0',
    second = '0',
    fraction = '0',
    zone,
    sign,
    offsetHour = '0',
    offsetMinute = '0',
    offsetSecond = '0',
  ] = match;
  const inRange =
    Number(year) >= 1 &&
    Number(hour) <= 24 &&
    Number(minute) <= 59 &&
    Number(second) <= 59 &&
    Number(offsetHour) <= 23 &&
    Number(offsetMinute) <= 59;
  if (!inRange || !isDay(Number(year), Number(month), Number(day))) return undefined;
  if (hour === '24' && (Number(minute) > 0 || Number(second) > 0)) return undefined;
  const date = new Date(0);
  if (zone === undefined && localTime) {
    date.setFullYear(Number(year), Number(month) - 1, Number(day));
    date.setHours(Number(hour), Number(minute), Number(second), 0);
  } else {
    date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
    date.setUTCHours(Number(hour), Number(minute), Number(second), 0);
  }
  const offsetS = (sign === '-' ? -1 : 1) * (Number(offsetHour) * 3600 + Number(offsetMinute) * 60 + Number(offsetSecond));
  return { text, epochMs: date.getTime() - offsetS * 1000 + Number(`0.${fraction}`) * 1000 };
}

/** A Date as Python's `isoformat()` of an aware UTC datetime, `2026-11-21T10:00:00.123000+00:00`. */
export function instantText(date: Date): string {
  return `${date.toISOString().slice(0, -1)}000+00:00`;
}

function isDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1 || day > 31) return false;
  if (day <= 28) return true;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= (month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31);
}
