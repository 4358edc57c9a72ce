// values.schema.json: it knows what values.yaml has and nothing else, and both Helms say with it what is wrong.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { documentedValues } from '../../scripts/helm/values-comments.ts';
import { CHART, HELMS, runProgram } from './helm.ts';
import { refusal, render, type Values } from './render.ts';
import { chartSchema, closedObjects, NAME, propertiesOf, put, type Schema } from './schema-paths.ts';

const text = readFileSync(join(CHART, 'values.yaml'), 'utf8');
const values = parse(text) as Values;
const schema = chartSchema();
const minimal = { broker: { url: 'redis://redis:6379/0' }, defaults: { app: 'tasks.ts' }, pools: { default: { queues: ['celery'] } } };

/** Not the chart's own: what Helm adds, and what Kubernetes says of resources. */
const FOREIGN = /^(global|enabled)$|(^|\.)resources\.(limits|claims)$/;

function isMap(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

it('a key of values.yaml without a comment is an error, and one within a map that has one is not', () => {
  expect(() => documentedValues('# -- one\na: 1\nb:\n  # -- two\n  c: 2\n  d: 3\n')).toThrow('no comment "# -- ..." for b.d');
  const [top, map] = documentedValues(
    '# -- one\n# @default -- worked out\na: 1\n# About b.\nb:\n  # -- two\n  # @type text\n  c: { d: 3 }\n',
  );
  expect(top?.values).toEqual([{ path: 'a', type: 'integer', description: 'one', byDefault: 'worked out' }]);
  expect(map).toEqual({ key: 'b', text: 'About b.', values: [{ path: 'b.c', type: 'text', description: 'two', byDefault: '{"d":3}' }] });
});

describe('the schema and values.yaml', () => {
  it('is of draft 7, which Helm reads', () => {
    expect(schema['$schema']).toBe('http://json-schema.org/draft-07/schema#');
  });

  it('has every key of values.yaml', () => {
    const unknown: string[] = [];
    const walk = (at: Values, of: Schema, path: readonly string[]): void => {
      const properties = propertiesOf(of);
      if (properties === undefined) return;
      for (const [key, value] of Object.entries(at)) {
        const inner = properties[key];
        if (inner === undefined) unknown.push([...path, key].join('.'));
        else if (isMap(value)) walk(value, inner, [...path, key]);
      }
    };
    walk(values, schema, []);
    expect(unknown).toEqual([]);
  });

  it('has no key that values.yaml has not, at least in the comment above its map', () => {
    const sections = documentedValues(text);
    const rows = sections.flatMap((section) => [...section.values, { path: section.key, description: section.text }]);
    // A comment without dashes stands in the README only where it is about the map of a row.
    const said = (path: string): string => rows.find((row) => row.path === path)?.description ?? '';
    const missing: string[] = [];
    const walk = (of: Schema, at: Values, path: readonly string[]): void => {
      for (const [key, inner] of Object.entries(propertiesOf(of) ?? {})) {
        const name = [...path, key].join('.');
        if (key in at) {
          if (isMap(at[key])) walk(inner, at[key], [...path, key]);
        } else if (!FOREIGN.test(name) && !new RegExp(`\\b${key}\\b`).test(said(path.join('.')))) missing.push(name);
      }
    };
    walk({ ...schema, properties: { ...propertiesOf(schema), metrics: withoutAlerts(schema) } }, values, []);
    const pool = propertiesOf(schema)?.['pools']?.['additionalProperties'] as Schema;
    const named = Object.keys(propertiesOf(pool) ?? {}).filter(
      (key) => !(key in (values['defaults'] as Values)) && !new RegExp(`\\b${key}\\b`).test(said('pools')),
    );
    expect([...missing, ...named.map((key) => `pools.<name>.${key}`)]).toEqual([]);
  });

  it('knows the alerts of the chart by name', () => {
    const file = parse(readFileSync(join(CHART, 'files/alerts/celeriac.yaml'), 'utf8')) as {
      readonly rules: readonly { readonly name: string }[];
    };
    const rules = propertiesOf(propertiesOf(propertiesOf(schema)?.['metrics'] as Schema)?.['prometheusRule'] as Schema)?.[
      'rules'
    ] as Schema;
    expect(Object.keys(propertiesOf(rules) ?? {}).toSorted()).toEqual(file.rules.map(({ name }) => name).toSorted());
  });
});

/** `metrics` without the names of alerts, which are not in values.yaml. */
function withoutAlerts(of: Schema): Schema {
  const metrics = structuredClone(propertiesOf(of)?.['metrics']) as { properties: { prometheusRule: { properties: { rules: Schema } } } };
  metrics.properties.prometheusRule.properties.rules = {};
  return metrics;
}

/** Without what may be a number or an object: there the object is one way of two to write it. */
const OBJECTS = closedObjects(schema).filter(({ path }) => path.join('.') !== `pools.${NAME}.size.gpu`);

/** Each value is wrong by itself; the line that Helm says of it follows. */
const WRONG: readonly (readonly [path: string, value: unknown, line: string])[] = [
  ['nameOverride', 1, 'got number, want string'],
  ['image.tag', 1.1, 'got number, want string'],
  ['image.digest', 'sha256:12', "'sha256:12' does not match pattern"],
  ['image.pullPolicy', 'Sometimes', "value must be one of '', 'Always', 'IfNotPresent', 'Never'"],
  ['commonLabels.team', 5, 'got number, want string'],
  ['imagePullSecrets', ['registry'], 'got string, want object'],
  ['broker.existingSecret', 'broker', 'got string, want object'],
  ['defaults.concurrency', 0, 'minimum: got 0, want 1'],
  ['defaults.kind', 'ruby', "value must be one of 'node', 'python'"],
  ['defaults.scaling.max', -1, 'minimum: got -1, want 0'],
  ['defaults.logLevel', 'loud', "value must be one of 'debug', 'info', 'warn', 'error'"],
  ['pools.Bad_Name', {}, "'Bad_Name' does not match pattern"],
  ['pools.a.queues', [], 'minItems: got 0, want 1'],
  ['pools.b.queues', 'celery', 'got string, want array'],
  ['pools.c.queues', [1], 'got number, want string'],
  ['pools.d.scaling.idleToZero', 300, 'got number, want null or string'],
  ['pools.e.scaling.idleToZero', '5 minutes', "'5 minutes' does not match pattern"],
  ['pools.f.scaling.by', 'hpa', "value must be one of 'celeriac', 'keda', 'none', <nil>"],
  ['pools.g.scaling.mode', 'maybe', "value must be one of 'off', 'dry-run', 'up-only', 'on', true, false, <nil>"],
  ['pools.h.scaling.min', 1.5, 'got number, want null or integer'],
  ['pools.i.scaling.goal.queueWait', '10', "'10' does not match pattern"],
  ['pools.j.scaling.schedules', [{ from: '0 8 * * *' }], "missing property 'to'"],
  ['pools.k.budget.weight', 0, 'minimum: got 0, want 0.01'],
  ['pools.l.target.otherWriters', 'fight', "value must be one of 'hold', 'ignore', <nil>"],
  ['pools.m.env.LIST', ['a'], 'got array, want null or boolean or number or string or object'],
  ['pools.n.env.FROM', { valueFron: {} }, "additional properties 'valueFron' not allowed"],
  ['pools.o.size.gpu', -1, 'minimum: got -1, want 0'],
  ['pools.o.size.cpu', '2 cores', "'2 cores' does not match pattern"],
  ['pools.o.size.memory', -1, 'minimum: got -1, want 0'],
  ['budgets.all.memory', '160GB', "'160GB' does not match pattern"],
  ['pools.p.existingDeployment.name', 'Not A Name', "'Not A Name' does not match pattern"],
  ['pools.q.image', 'shop/worker:1', 'got string, want null or object'],
  ['pools.r.terminationGracePeriodSeconds', '10m', 'got string, want null or integer'],
  ['pools.s.resources.limits.cpu', ['1'], 'got array, want string or number'],
  ['pools.t.args', '--strict', 'got string, want null or array'],
  ['pools.u.queueType', 'stream', "value must be one of '', 'classic', 'quorum', <nil>"],
  ['pools.v.replicas', '2', 'got string, want null or integer'],
  ['budgets.all.gpu', '8', 'got string, want integer'],
  ['autoscaler.replicas', 0, 'minimum: got 0, want 1'],
  ['autoscaler.lease.duration', 15, 'got number, want string'],
  ['autoscaler.podDisruptionBudget.maxUnavailable', 'half', "'half' does not match pattern"],
  ['autoscaler.env.NOTHING', null, 'got null, want string or number or boolean or object'],
  ['metrics.celeryCompat', 'yes', 'got string, want boolean'],
  ['metrics.serviceMonitor.interval', '15 s', "'15 s' does not match pattern"],
  ['metrics.prometheusRule.rules.noLeader.threshold', '5', 'got string, want number'],
  ['networkPolicy.brokerEgress', {}, 'got object, want array'],
  ['tests.timeoutSeconds', 0, 'minimum: got 0, want 1'],
];

/** A pattern of what Helm prints, whichever order it has the types in. */
function saidOf(path: string, line: string): RegExp {
  const where = path === '' ? "at '" : `at '/${path.replaceAll('.', '/')}`;
  const plain = (part: string): string => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const wanted = /^(got \w+, want )(.+)$/.exec(line);
  if (wanted === null) return new RegExp(`${plain(where)}[^']*'?: [^\n]*${plain(line)}`);
  const anyOrder = (wanted[2] ?? '').split(' or ').map((type) => `(?=[^\n]*\\b${type}\\b)`);
  return new RegExp(`${plain(where)}[^']*': ${wanted[1]}${anyOrder.join('')}`);
}

describe.each(HELMS)('%s', (helm) => {
  it(`refuses an unknown key in each of ${OBJECTS.length} objects and names its path`, async () => {
    const faulty: Record<string, unknown> = structuredClone(minimal);
    for (const { path } of OBJECTS) put(faulty, [...path, 'colour'], 'blue');
    const said = await refusal(faulty, { helm });
    const missing = OBJECTS.map(
      ({ path }) => `at '${path.map((part) => `/${part}`).join('')}': additional properties 'colour' not allowed`,
    );
    expect(missing.filter((line) => !said.includes(line))).toEqual([]);
    expect(OBJECTS.length).toBeGreaterThan(60);
  });

  it('says of each wrong value where it is and what may be there', async () => {
    const faulty: Record<string, unknown> = structuredClone(minimal);
    for (const [path, value] of WRONG) put(faulty, path.split('.'), value);
    const said = await refusal(faulty, { helm });
    const unsaid = WRONG.filter(([path, , line]) => !saidOf(path.replace('pools.Bad_Name', ''), line).test(said));
    expect(unsaid, said).toEqual([]);
  });

  it('needs a few lines to say what is wrong with a misspelt key', async () => {
    const said = await refusal({ ...minimal, pools: { default: { queus: ['celery'] } } }, { helm });
    expect(said).toContain("at '/pools/default': additional properties 'queus' not allowed");
    expect(said.trim().split('\n').length).toBeLessThan(8);
  });

  it('takes null under a pool for everything that is inherited', async () => {
    const pool = propertiesOf(schema)?.['pools']?.['additionalProperties'] as Schema;
    const inherited = Object.keys(propertiesOf(pool) ?? {}).filter((key) => key in (values['defaults'] as Values));
    expect(inherited.length).toBeGreaterThan(35);
    const nothing = Object.fromEntries(inherited.map((key) => [key, null]));
    const said = await runProgram(
      helm,
      ['lint', CHART, '--values', '-'],
      JSON.stringify({ ...minimal, pools: { default: { queues: ['celery'], ...nothing } } }),
    );
    expect(said.stdout + said.stderr).not.toContain("values don't meet the specifications");
  });

  it('takes switches that a YAML 1.1 reader makes of on and off', async () => {
    for (const mode of [true, false]) {
      const { objects } = await render({ ...minimal, defaults: { app: 'tasks.ts', scaling: { mode } } }, { helm });
      expect(objects.length).toBeGreaterThan(5);
    }
  });

  it('takes the chart as a part of another chart, with a condition and global values', async () => {
    const parent = mkdtempSync(join(tmpdir(), 'celeriac-parent-'));
    try {
      mkdirSync(join(parent, 'charts'));
      cpSync(CHART, join(parent, 'charts/celeriac'), { recursive: true });
      const dependency = { name: 'celeriac', version: '0.1.0', condition: 'celeriac.enabled' };
      writeFileSync(
        join(parent, 'Chart.yaml'),
        JSON.stringify({ apiVersion: 'v2', name: 'shop', version: '1.0.0', dependencies: [dependency] }),
      );
      const of = { global: { region: 'eu' }, celeriac: { ...minimal, enabled: true } };
      const { code, stdout, stderr } = await runProgram(helm, ['template', 'demo', parent, '--values', '-'], JSON.stringify(of));
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect(stdout).toContain('name: demo-celeriac-default');
    } finally {
      rmSync(parent, { recursive: true });
    }
  });
});
