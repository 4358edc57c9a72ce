// What the comments of a chart's values.yaml say, in helm-docs' notation: `# -- text` above a key, `# @default -- text`, `# @section -- title`.

import { isMap, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml';

/** A key of values.yaml that has a comment of its own. */
export interface DocumentedValue {
  /** As `--set` takes it. */
  readonly path: string;
  readonly description: string;
  /** Its value in JSON, or what the comment says in its place. */
  readonly byDefault: string;
}

/** Values under one title; '' before the first title. */
export interface ValuesSection {
  readonly title: string;
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
  const sections: { title: string; values: DocumentedValue[] }[] = [];
  const without: string[] = [];
  const walk = (map: YAMLMap, path: readonly string[], covered: boolean): void => {
    for (const pair of map.items) {
      const key = pair.key as Node & { readonly value: unknown };
      const name = [...path, String(key.value)];
      const { description, byDefault, section } = commentAbove(lines, counter.linePos(key.range?.[0] ?? 0).line - 1);
      if (section !== undefined || sections.length === 0) sections.push({ title: section ?? '', values: [] });
      const plain = plainValue(pair);
      if (description !== undefined) {
        sections.at(-1)?.values.push({ path: dotted(name), description, byDefault: byDefault ?? JSON.stringify(plain) });
      }
      if (isMap(pair.value) && pair.value.items.length > 0) walk(pair.value, name, covered || description !== undefined);
      else if (description === undefined && !covered) without.push(dotted(name));
    }
  };
  if (isMap(document.contents)) walk(document.contents as YAMLMap, [], false);
  if (without.length > 0) throw new Error(`values.yaml has no comment "# -- ..." for ${without.join(', ')}`);
  return sections.filter(({ values }) => values.length > 0);
}

interface Comment {
  readonly description: string | undefined;
  readonly byDefault: string | undefined;
  readonly section: string | undefined;
}

/** The lines of comment right above a line, counted from 0. */
function commentAbove(lines: readonly string[], line: number): Comment {
  let first = line;
  while (first > 0 && /^\s*#/.test(lines[first - 1] ?? '')) first -= 1;
  const comments = lines.slice(first, line).map((text) => text.replace(/^\s*# ?/, ''));
  const tagged = (tag: string): string | undefined =>
    comments.findLast((text) => text.startsWith(`@${tag} -- `))?.slice(`@${tag} -- `.length);
  const start = comments.findLastIndex((text) => text.startsWith('-- '));
  const words = start < 0 ? [] : comments.slice(start).filter((text) => !text.startsWith('@'));
  return {
    description: start < 0 ? undefined : words.join(' ').slice('-- '.length).trim(),
    byDefault: tagged('default'),
    section: tagged('section'),
  };
}

function plainValue(pair: Pair): unknown {
  const value = pair.value as { toJSON?: () => unknown } | null;
  return value?.toJSON?.() ?? null;
}

function dotted(name: readonly string[]): string {
  return name.map((part) => part.replaceAll('.', '\\.')).join('.');
}
