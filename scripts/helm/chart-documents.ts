// What is generated for the chart.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { chartReadme } from './chart-readme.ts';
import { schemaText } from './json-schema.ts';
import { valuesSchema } from './values-schema.ts';

const CHART = 'helm/celeriac';
const ROOT = resolve(import.meta.dirname, '../..');

/** The chart's README and the schema of its values, with their paths from the repository's root. */
export function chartDocuments(): readonly { readonly path: string; readonly text: string }[] {
  const file = (name: string): string => readFileSync(join(ROOT, CHART, name), 'utf8');
  const schema = valuesSchema();
  return [
    { path: `${CHART}/README.md`, text: chartReadme(file('Chart.yaml'), file('values.yaml'), schema) },
    { path: `${CHART}/values.schema.json`, text: schemaText(schema) },
  ];
}
