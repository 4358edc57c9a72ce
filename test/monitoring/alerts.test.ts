// The alerts, judged by promtool: they fire when they should and not before, and say the numbers.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runbookOf } from '../../helm/monitoring/alerts/rule.ts';
import { ALERT_RULES } from '../../helm/monitoring/alerts/rules.ts';
import { CHILD_EXIT_REASONS } from '../../packages/worker/src/pool/pool.ts';
import { headingAnchors } from '../architecture/markdown.ts';
import { unknownIn } from './metric-labels.ts';
import { promtools, runPromtool, testRule } from './promtool.ts';
import { RULE_CASES } from './rule-cases.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PLAIN = join(ROOT, 'examples/monitoring/alerts.yaml');
const RUNBOOKS = 'docs/guide/runbooks.md';

describe('the rules', () => {
  it('have a name each, and a runbook that is there', () => {
    const anchors = headingAnchors(readFileSync(join(ROOT, RUNBOOKS), 'utf8'));
    for (const rule of ALERT_RULES) {
      expect(rule.alert).toBe(`Celeriac${rule.name.charAt(0).toUpperCase()}${rule.name.slice(1)}`);
      expect(anchors, `the runbook of ${rule.alert}`).toContain(runbookOf(rule));
    }
    expect(new Set(ALERT_RULES.map(({ name }) => name)).size).toBe(ALERT_RULES.length);
  });

  it('use their threshold where they have one, and only there', () => {
    for (const { name, expr, threshold } of ALERT_RULES) expect(expr.includes('__THRESHOLD__'), name).toBe(threshold !== undefined);
  });

  it('ask for metrics and labels that there are, in their texts too', () => {
    for (const { name, expr, description } of ALERT_RULES) expect(unknownIn(`${expr} ${description}`), name).toEqual([]);
    for (const { name, series } of RULE_CASES) {
      for (const one of series) expect(unknownIn(one.series), name).toEqual([]);
    }
    const [, crashes = ''] = /child_exits_total\{reason=~"([^"]*)"/.exec(JSON.stringify(ALERT_RULES).replaceAll('\\"', '"')) ?? [];
    expect(CHILD_EXIT_REASONS).toEqual(expect.arrayContaining(crashes.split('|')));
  });

  it('have a case in which they fire and one in which they do not', () => {
    for (const { alert } of ALERT_RULES) {
      const cases = RULE_CASES.filter((of) => of.alert === alert);
      const fires = new Set(cases.map((of) => of.expect.some(({ fires }) => fires.length > 0)));
      expect(fires, alert).toEqual(new Set([false, true]));
      // What fires had not fired before its time.
      for (const of of cases) expect(of.expect[0]?.fires, of.name).toEqual([]);
    }
  });
});

describe.each(await promtools())('by %s', (promtool) => {
  it('the rule file is one', async () => {
    expect(await runPromtool(promtool, ['check', 'rules', PLAIN])).toContain(`SUCCESS: ${ALERT_RULES.length} rules found`);
  });

  it.each(RULE_CASES.map((of) => [of.alert, of.name, of] as const))('%s: %s', async (_alert, _name, of) => {
    const rule = ALERT_RULES.find(({ alert }) => alert === of.alert);
    await testRule(promtool, PLAIN, of, rule?.severity ?? '', `${RUNBOOKS}#${of.alert.toLowerCase()}`);
  });
});
