// Readers of fields of objects that may be odd: whatever is missing or of another type reads as absent, and nothing throws.

/** A JSON object; anything else reads as an empty one. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : nothing;
}

const nothing: Readonly<Record<string, unknown>> = Object.freeze(Object.create(null));

/** A JSON array; anything else reads as an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text that is not empty, or null. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** As {@link textOf}, not longer than `most` characters: messages of foreign programs can be long. */
export function shortTextOf(value: unknown, most = 300): string | null {
  const text = textOf(value);
  // a slice would keep the whole text alive
  return text === null || text.length <= most ? text : Buffer.from(`${text.slice(0, most)}…`).toString();
}

/** A whole number of at least 0, or `otherwise`. */
export function countOf(value: unknown, otherwise = 0): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
}

/** As {@link countOf}, null where there is none. */
export function countOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** RFC 3339 as epoch ms, or null. */
export function timeOf(value: unknown): number | null {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}

/** The entries with text values whose names pass. */
export function textsOf(value: unknown, wanted: (name: string) => boolean): Readonly<Record<string, string>> {
  let found: Record<string, string> | null = null;
  for (const [name, text] of Object.entries(fieldsOf(value))) {
    if (typeof text !== 'string' || !wanted(name)) continue;
    found ??= {};
    Object.defineProperty(found, name, { value: text, enumerable: true, configurable: true, writable: true });
  }
  return found ?? none;
}

const none: Readonly<Record<string, string>> = Object.freeze({});
