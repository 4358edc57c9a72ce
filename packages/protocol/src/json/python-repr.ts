import { utf8Text } from './bytes.ts';
import { isPythonValue, type PythonValue } from './python-types.ts';

/** Containers below this level are shown as `[...]`; Celery's `task_repr_maxlevels`. */
const MAX_LEVELS = 3;

interface Writer {
  text: string;
  left: number;
  /** The limit was reached: only closing brackets of what is already open are still written. */
  full: boolean;
}

/**
 * A value as Python's `celery.utils.saferepr` shows it, for `argsrepr`, `kwargsrepr` and the `result` of events: `{'y': 2}`, `[1, None]`, `'text'`.
 * Cut at about `maxCharacters` with the brackets closed. Never throws; for display only.
 */
export function pythonRepr(value: unknown, maxCharacters = 1024): string {
  const simple = scalarRepr(value, maxCharacters);
  if (simple !== undefined) return simple;
  const out: Writer = { text: '', left: maxCharacters, full: false };
  writeValue(out, value, 0, false);
  return out.text;
}

/** As {@link pythonRepr}, with the array shown as a tuple: `(1, 2)`, `(1,)`, `()`. */
export function pythonReprTuple(values: readonly unknown[], maxCharacters = 1024): string {
  if (values.length === 0) return '()';
  const out: Writer = { text: '', left: maxCharacters, full: false };
  writeValue(out, values, 0, true);
  return out.text;
}

/** A string as Python's `repr` quotes it. */
export function pythonQuote(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let quoted = '';
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    if (character === quote || character === '\\') quoted += `\\${character}`;
    else if (code === 10) quoted += '\\n';
    else if (code === 13) quoted += '\\r';
    else if (code === 9) quoted += '\\t';
    else if (code < 32 || (code >= 127 && code < 161) || code === 173) quoted += `\\x${code.toString(16).padStart(2, '0')}`;
    else if (code >= 0xd800 && code <= 0xdfff) quoted += `\\u${code.toString(16)}`;
    else quoted += character;
  }
  return quote + quoted + quote;
}

function put(out: Writer, text: string): void {
  if (out.full) return;
  if (out.left <= 0) {
    out.text += ', ...';
    out.full = true;
    return;
  }
  out.text += text;
  out.left -= text.length;
}

function close(out: Writer, bracket: string): void {
  out.text += bracket;
  out.left -= bracket.length;
}

function writeValue(out: Writer, value: unknown, level: number, tuple: boolean): void {
  const simple = out.left <= 0 ? '' : scalarRepr(value, out.left);
  if (simple !== undefined) put(out, simple);
  else if (Array.isArray(value)) writeItems(out, value, level, tuple ? ['(', value.length === 1 ? ',)' : ')'] : ['[', ']']);
  else if (value instanceof Set) writeSet(out, value, level, ['{', '}'], 'set()');
  else if (isPythonValue(value as object)) writeSet(out, value as Iterable<unknown>, level, ['frozenset({', '})'], 'frozenset()');
  else writeEntries(out, value as Record<string, unknown>, level);
}

type Brackets = readonly [opening: string, closing: string];

function writeSet(out: Writer, values: Iterable<unknown>, level: number, brackets: Brackets, empty: string): void {
  const items = [...values];
  if (items.length === 0) put(out, empty);
  else writeItems(out, items, level, brackets);
}

/** Writes the opening bracket; false where the content is not shown. */
function opened(out: Writer, level: number, [opening, closing]: Brackets): boolean {
  put(out, level >= MAX_LEVELS ? `${opening}...${closing}` : opening);
  return level < MAX_LEVELS && !out.full;
}

function writeItems(out: Writer, items: readonly unknown[], level: number, brackets: Brackets): void {
  if (!opened(out, level, brackets)) return;
  for (let at = 0; at < items.length && !out.full; at += 1) {
    if (at > 0) put(out, ', ');
    writeValue(out, items[at], level + 1, false);
  }
  close(out, brackets[1]);
}

function writeEntries(out: Writer, value: Record<string, unknown>, level: number): void {
  if (!opened(out, level, ['{', '}'])) return;
  let first = true;
  for (const key of Object.keys(value)) {
    if (out.full) break;
    if (!first) put(out, ', ');
    first = false;
    put(out, chars(key, out.left));
    put(out, ': ');
    writeValue(out, value[key], level + 1, false);
  }
  close(out, '}');
}

function chars(text: string, max: number): string {
  let shown = text;
  if (max > 0 && text.length >= max) {
    const cut = text.slice(0, max);
    const space = cut.lastIndexOf(' ');
    shown = `${space < 0 ? cut : cut.slice(0, space)}...`;
  }
  return shown.includes("'") ? `'${shown.replaceAll("'", "\\'")}'` : `'${shown}'`;
}

function scalarRepr(value: unknown, max: number): string | undefined {
  switch (typeof value) {
    case 'string':
      return chars(value, max);
    case 'number':
      return numberRepr(value);
    case 'boolean':
      return value ? 'True' : 'False';
    case 'undefined':
      return 'None';
    case 'bigint':
      return value.toString();
    case 'object':
      return value === null ? 'None' : specialRepr(value, max);
    default:
      return `<${typeof value}>`;
  }
}

function numberRepr(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}

function specialRepr(value: object, max: number): string | undefined {
  if (Array.isArray(value)) return undefined;
  if (value instanceof Uint8Array) return bytesRepr(value, max);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'None' : `datetime('${value.toISOString()}')`;
  if (value instanceof Error) return `${value.name}(${pythonQuote(value.message.slice(0, Math.max(max, 0)))})`;
  return isPythonValue(value) ? pythonTypeRepr(value) : undefined;
}

function bytesRepr(bytes: Uint8Array, max: number): string {
  const shown = max > 0 && bytes.length > max ? bytes.subarray(0, max) : bytes;
  const text = utf8Text(shown) ?? Array.from(shown, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `b'${text}${shown === bytes ? '' : '...'}'`;
}

function pythonTypeRepr(value: PythonValue): string | undefined {
  switch (value.pythonType) {
    case 'frozenset':
      return undefined;
    case 'decimal':
      return `Decimal('${value.text}')`;
    case 'uuid':
      return `UUID('${value.text}')`;
    default:
      return `${value.pythonType}('${value.text}')`;
  }
}
