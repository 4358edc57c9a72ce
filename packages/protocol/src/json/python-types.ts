import { CeleriacError } from '../errors/celeriac-error.ts';

/** A Python value that has no JavaScript counterpart, kept as the text Python writes for it. */
interface PythonText {
  /** kombu's `__type__`; tells the classes apart across copies of this package. */
  readonly pythonType: string;
  /** As Python's `isoformat()` or `str()`. */
  readonly text: string;
}

const DATE = String.raw`\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`;
const CLOCK = String.raw`(?:[01]\d|2[0-3])(?::[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9})?)?)?`;
const OFFSET = String.raw`(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d(?::?[0-5]\d(?:\.\d{1,6})?)?)`;
const PATTERNS = {
  datetime: new RegExp(`^${DATE}(?:[T ]${CLOCK}${OFFSET}?)?$`),
  date: new RegExp(`^${DATE}(?:[T ]${CLOCK}${OFFSET}?)?$`),
  time: new RegExp(`^T?${CLOCK}${OFFSET}?$`),
  decimal: /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|s?nan\d*)$/i,
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
} as const;

function checked(type: keyof typeof PATTERNS, text: string): string {
  if (typeof text !== 'string' || !PATTERNS[type].test(text))
    throw new CeleriacError('CELERIAC_E_VALUE', `This is not the text of a Python ${type}.`, { data: { type } });
  return text;
}

/** Python's `datetime.datetime`: microseconds and a missing time zone survive. Throws CELERIAC_E_VALUE for other text. */
export class PyDateTime implements PythonText {
  readonly pythonType = 'datetime' as const;
  readonly text: string;

  constructor(text: string) {
    this.text = checked('datetime', text);
  }

  /** The instant in whole milliseconds; a datetime without a zone is read as UTC, as Celery does. */
  toDate(): Date {
    const zoned = /(?:Z|[+-]\d\d:?\d\d(?::?\d\d(?:\.\d+)?)?)$/.test(this.text.slice(10));
    return new Date(zoned || this.text.length === 10 ? this.text : `${this.text}Z`);
  }

  toString(): string {
    return this.text;
  }

  toJSON(): string {
    return this.text;
  }
}

/** Python's `datetime.date`. Throws CELERIAC_E_VALUE for other text. */
export class PyDate implements PythonText {
  readonly pythonType = 'date' as const;
  readonly text: string;

  constructor(text: string) {
    this.text = checked('date', text);
  }

  toString(): string {
    return this.text;
  }

  toJSON(): string {
    return this.text;
  }
}

/** Python's `datetime.time`. Throws CELERIAC_E_VALUE for other text. */
export class PyTime implements PythonText {
  readonly pythonType = 'time' as const;
  readonly text: string;

  constructor(text: string) {
    this.text = checked('time', text);
  }

  toString(): string {
    return this.text;
  }

  toJSON(): string {
    return this.text;
  }
}

/** Python's `decimal.Decimal`, every digit kept. Throws CELERIAC_E_VALUE for other text. */
export class PyDecimal implements PythonText {
  readonly pythonType = 'decimal' as const;
  readonly text: string;

  constructor(text: string) {
    this.text = checked('decimal', text);
  }

  toString(): string {
    return this.text;
  }

  toJSON(): string {
    return this.text;
  }
}

/** Python's `uuid.UUID`; `text` has the dashes, in lower case. Throws CELERIAC_E_VALUE for other text. */
export class PyUuid implements PythonText {
  readonly pythonType = 'uuid' as const;
  readonly text: string;

  constructor(text: string) {
    this.text = checked('uuid', typeof text === 'string' ? dashed(text.toLowerCase()) : text);
  }

  /** The 32 digits without dashes, as kombu writes them. */
  get hex(): string {
    return this.text.replaceAll('-', '');
  }

  toString(): string {
    return this.text;
  }

  toJSON(): string {
    return this.text;
  }
}

function dashed(text: string): string {
  return /^[0-9a-f]{32}$/.test(text) ? text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') : text;
}

/**
 * Python's `frozenset`. kombu has no form for sets, so both sides write `{"__type__": "frozenset", "__value__": [...]}`, which Python reads after
 * `kombu.utils.json.register_type(frozenset, 'frozenset', list, frozenset)`; a `Set` is `"set"` in the same way.
 */
export class PyFrozenSet implements Iterable<unknown> {
  readonly pythonType = 'frozenset' as const;
  readonly #values: ReadonlySet<unknown>;

  constructor(values: Iterable<unknown> = []) {
    this.#values = new Set(values);
  }

  get size(): number {
    return this.#values.size;
  }

  has(value: unknown): boolean {
    return this.#values.has(value);
  }

  [Symbol.iterator](): IterableIterator<unknown> {
    return this.#values.values();
  }

  toJSON(): unknown[] {
    return [...this.#values];
  }
}

/** One of the classes above. */
export type PythonValue = PyDateTime | PyDate | PyTime | PyDecimal | PyUuid | PyFrozenSet;

const TYPES: ReadonlySet<unknown> = new Set([...Object.keys(PATTERNS), 'frozenset']);

/** Whether `value` is one of the Python wrappers, of this copy of the package or another. */
export function isPythonValue(value: object): value is PythonValue {
  if (!('pythonType' in value) || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype !== Object.prototype && prototype !== null && TYPES.has(value.pythonType);
}
