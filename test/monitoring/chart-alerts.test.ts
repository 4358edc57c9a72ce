// The alerts as the chart renders them: the same cases as those of the rule file.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { minimal } from '../chart/minimal.ts';
import { render } from '../chart/render.ts';
import { promtools, testRule } from './promtool.ts';
import { RULE_CASES } from './rule-cases.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly runbook_url: string };
}

const folder = mkdtempSync(join(tmpdir(), 'celeriac-chart-rules-'));
const file = join(folder, 'rules.json');
/** `absent` gives the labels of its selector, which says in the chart which release it is. */
const RELEASE = { namespace: 'app', job: 'celeriac-autoscaler' };
let rules: readonly Rule[];

beforeAll(async () => {
  const values = { ...minimal, metrics: { prometheusRule: { enabled: true } } };
  const rendered = await render(values, { release: 'celeriac', namespace: 'app' });
  const spec = rendered.one('PrometheusRule', 'celeriac').spec as { readonly groups: readonly { readonly rules: readonly Rule[] }[] };
  rules = spec.groups.flatMap((group) => group.rules);
  writeFileSync(file, JSON.stringify(spec));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('look at the release alone', () => {
  for (const { alert, expr } of rules) {
    for (const [selector] of expr.matchAll(/\{[^}]*\}/g))
      expect(selector, alert).toMatch(/namespace="app",(job="celeriac-autoscaler"|pool!="")/);
  }
});

describe.each(await promtools())('by %s', (promtool) => {
  it.each(RULE_CASES.map((of) => [of.alert, of.name, of] as const))('%s: %s', async (alert, _name, of) => {
    const rule = rules.find((candidate) => candidate.alert === alert);
    const expected =
      alert === 'CeleriacAutoscalerDown'
        ? of.expect.map(({ at, fires }) => ({ at, fires: fires.map((fired) => ({ ...fired, labels: { ...fired.labels, ...RELEASE } })) }))
        : of.expect;
    await testRule(promtool, file, { ...of, expect: expected }, rule?.labels.severity ?? '', rule?.annotations.runbook_url ?? '');
  });
});
