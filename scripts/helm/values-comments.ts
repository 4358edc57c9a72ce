// What the comments of a chart's values.yaml say, in helm-docs' notation: `# -- text` above a key, with `# @type text` and `# @default -- text`
// for what the value does not tell. A comment without the dashes above a map is about the map as a whole.

import { isMap, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml';

/** A key of values.yaml that has a comment of its own. */
export interface DocumentedValue {
  /** As `--set` takes it. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  /** Its value in JSON, or what the comment says in its place; '' of a map whose keys follow. */
  readonly byDefault: string;
}

/** A map of the top level with its keys; the first one has the values of the top level itself. */
export interface ValuesSection {
  /** The map's key; '' of the first. */
  readonly key: string;
  /** What is said of the map as a whole. */
  readonly text: string;
  readonly values: readonly DocumentedValue[];
}

/**
 * Reads the comments of a values.yaml.
 * @throws Error that names each key for which neither itself nor what it is part of has a comment
 */
export function documentedValues(text: string): readonly ValuesSection[] {
  const lines = text.split('\n');
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  const sections: { key: string; text: string; values: DocumentedValue[] }[] = [{ key: '', text: '', values: [] }];
  const without: string[] = [];
  const walk = (map: YAMLMap, path: readonly string[], covered: boolean): void => {
    for (const pair of map.items) {
      const key = pair.key as Node & { readonly value: unknown };
      const name = [...path, String(key.value)];
      const { line, col } = counter.linePos(key.range?.[0] ?? 0);
      // What follows in a line of braces has no comment above it.
      if ((lines[line - 1] ?? '').slice(0, col - 1).trim() !== '') continue;
      const { said, about, type, byDefault } = commentAbove(lines, line - 1);
      const inner = isMap(pair.value) && pair.value.items.length > 0 && said === undefined ? pair.value : undefined;
      if (path.length === 0 && inner !== undefined) sections.push({ key: dotted(name), text: about, values: [] });
      const row = { path: dotted(name), type: type ?? typeOf(plainValue(pair)) };
      const rows = (path.length === 0 ? sections[0] : sections.at(-1))?.values;
      if (said !== undefined) rows?.push({ ...row, description: said, byDefault: byDefault ?? JSON.stringify(plainValue(pair)) });
      else if (inner !== undefined && path.length > 0 && about !== '') rows?.push({ ...row, description: about, byDefault: '' });
      else if (inner === undefined && !covered) without.push(dotted(name));
      if (isMap(pair.value)) walk(pair.value, name, covered || said !== undefined);
    }
  };
  if (isMap(document.contents)) walk(document.contents, [], false);
  if (without.length > 0) throw new Error(`values.yaml has no comment "# -- ..." for ${without.join(', ')}`);
  return sections;
}

interface Comment {
  /** After the dashes. */
  readonly said: string | undefined;
  /** All of it that is no tag, where there are no dashes. */
  readonly about: string;
  readonly type: string | undefined;
  readonly byDefault: string | undefined;
}

/** The lines of comment right above a line, counted from 0. */
function commentAbove(lines: readonly string[], line: number): Comment {
  let first = line;
  while (first > 0 && /^\s*#/.test(lines[first - 1] ?? '')) first -= 1;
  const comments = lines.slice(first, line).map((text) => text.replace(/^\s*# ?/, ''));
  const tagged = (tag: string): string | undefined => comments.findLast((text) => text.startsWith(tag))?.slice(tag.length);
  const start = comments.findLastIndex((text) => text.startsWith('-- '));
  const prose = (from: number): string =>
    comments
      .slice(from)
      .filter((text) => !text.startsWith('@'))
      .join(' ')
      .trim();
  return {
    said: start < 0 ? undefined : prose(start).slice('-- '.length),
    about: start < 0 ? prose(0) : '',
    type: tagged('@type '),
    byDefault: tagged('@default -- '),
  };
}

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (Number.isInteger(value)) return 'integer';
  return typeof value;
}

function plainValue(pair: Pair): unknown {
  const value = pair.value as { toJSON?: () => unknown } | null;
  return value?.toJSON?.() ?? null;
}

function dotted(name: readonly string[]): string {
  return name.map((part) => part.replaceAll('.', '\\.')).join('.');
}
