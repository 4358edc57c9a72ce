const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** What a duration looks like: a number and its unit, `250ms`, `10s`, `1.5m`, `2h`, `1d`. */
export const DURATION_PATTERN: RegExp = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** A duration as written, in milliseconds; null for what is none. A bare number is none: it does not say its unit. */
export function parseDurationMs(text: string): number | null {
  const match = DURATION_PATTERN.exec(text);
  if (match === null) return null;
  const [, number = '', unit = ''] = match;
  const ms = Number(number) * (UNITS_MS[unit] ?? Number.NaN);
  return Number.isSafeInteger(Math.round(ms)) ? Math.round(ms) : null;
}
