// Writes the reference documents that come from tables in the code; with --check only says whether they are up to date.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { monitoringDocuments } from '../helm/monitoring/documents.ts';
import { ERROR_CODES } from '../packages/protocol/src/errors/codes.ts';
import { chartDocuments } from './helm/chart-documents.ts';
import { metricsDocument } from './metrics-document.ts';

const ROOT = resolve(import.meta.dirname, '..');

export interface GeneratedDocument {
  readonly path: string;
  readonly text: string;
}

export function generatedDocuments(): readonly GeneratedDocument[] {
  return [
    { path: 'docs/errors.md', text: errorsDocument() },
    { path: 'docs/metrics.md', text: metricsDocument() },
    ...chartDocuments(),
    ...monitoringDocuments(),
  ];
}

function errorsDocument(): string {
  const rows = Object.entries(ERROR_CODES).map(([code, meaning]) => `| \`${code}\` | ${meaning} |`);
  return `${[
    '# Error and quarantine codes',
    '',
    'Every `CeleriacError` has one of these as its `code`; a quarantined message carries one as its reason.',
    'Generated from `packages/protocol/src/errors/codes.ts` by `npm run docs`.',
    '',
    '| Code | Meaning |',
    '| --- | --- |',
    ...rows,
  ].join('\n')}\n`;
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(resolve(ROOT, path), 'utf8');
  } catch {
    return undefined;
  }
}

if (import.meta.main) {
  const check = process.argv.includes('--check');
  for (const { path, text } of generatedDocuments()) {
    if (contentOf(path) === text) continue;
    if (check) {
      console.error(`${path} is not what the code says; run: npm run docs`);
      process.exitCode = 1;
    } else {
      mkdirSync(dirname(resolve(ROOT, path)), { recursive: true });
      writeFileSync(resolve(ROOT, path), text);
      console.log(`wrote ${path}`);
    }
  }
}
