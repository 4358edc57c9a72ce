// What the documents say of values is what the chart takes: every example of a values.yaml, and everything given to `--set`.

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { codeBlocks } from '../architecture/markdown.ts';
import { CHART, runProgram } from './helm.ts';
import { minimal } from './minimal.ts';
import { poolsConfig } from './pools-config.ts';
import { CUSTOM_KINDS, render, type Values } from './render.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const documents = [
  'README.md',
  'helm/celeriac/README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
const textOf = (document: string): string => readFileSync(join(ROOT, document), 'utf8');

/** Blocks that begin with a comment that says so. */
const examples = documents.flatMap((document) =>
  codeBlocks(textOf(document), 'yaml')
    .filter(({ text }) => /^\s*# values\.yaml[^#\n]*\n/.test(text))
    .map(({ text, line }) => ({ where: `${document}:${line}`, text })),
);

/** What follows `--set` in commands, and in values that are meant for it. */
const settings = [
  ...new Set(
    documents.flatMap((document) =>
      [...textOf(document).matchAll(/--set(?:-string|-json)? '?([\w.]+=[^\s`']+)/g)].map(([, setting = '']) => setting),
    ),
  ),
];

describe.concurrent('examples of values.yaml', () => {
  it('are there', () => {
    expect(examples.length).toBeGreaterThan(3);
  });

  it.each(examples)('$where', async ({ text }) => {
    const values = parse(text.replaceAll('sha256:...', `sha256:${'1'.repeat(64)}`)) as Values;
    const rendered = await render({ ...minimal, ...values });
    const { pools } = await poolsConfig(rendered);
    const named = Object.keys(values['pools'] ?? minimal.pools);
    expect(pools.map(({ spec }) => spec.pool).toSorted()).toEqual(named.toSorted());
  });
});

describe.concurrent('what is given to --set', () => {
  it('is found', () => {
    expect(settings.length).toBeGreaterThan(0);
  });

  it.each(settings)('%s', async (setting) => {
    const { broker: _, ...rest } = minimal;
    const values = /(^|,)broker\./.test(setting) ? rest : minimal;
    const args = [
      'template',
      'demo',
      CHART,
      '--api-versions',
      CUSTOM_KINDS.join(','),
      '--values',
      '-',
      '--set',
      setting.replaceAll('...', 'x'),
    ];
    const { code, stderr } = await runProgram('helm4', args, JSON.stringify(values));
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });
});
