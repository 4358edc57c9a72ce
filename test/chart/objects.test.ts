// Names, accounts, budgets of disruption, Secrets and further objects; and what a chart in a package has in it.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { headingAnchors, linksOf } from '../architecture/markdown.ts';
import { CHART, HELMS, runProgram } from './helm.ts';
import { minimal, withPool } from './minimal.ts';
import { podOf } from './pods.ts';
import { refusal, render, type Values } from './render.ts';

const deployments = async (values: Values, release?: string): Promise<readonly string[]> => {
  const rendered = await render(values, release === undefined ? {} : { release });
  return rendered
    .of('Deployment')
    .map(({ metadata }) => metadata.name)
    .toSorted();
};

describe.concurrent('names', () => {
  it('begin with the release and the chart, the usual way', async () => {
    expect(await deployments(minimal)).toEqual(['demo-celeriac-autoscaler', 'demo-celeriac-default']);
    expect(await deployments(minimal, 'my-celeriac')).toEqual(['my-celeriac-autoscaler', 'my-celeriac-default']);
    expect(await deployments({ ...minimal, nameOverride: 'jobs' })).toEqual(['demo-jobs-autoscaler', 'demo-jobs-default']);
    expect(await deployments({ ...minimal, fullnameOverride: 'all' })).toEqual(['all-autoscaler', 'all-default']);
  });

  it('keep two releases in one namespace apart', async () => {
    const [one, other] = await Promise.all([render(minimal, { release: 'one' }), render(minimal, { release: 'other' })]);
    const names = [one, other].flatMap(({ objects }) => objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
    expect(new Set(names).size).toBe(names.length);
    const labels = podOf(other, 'other-celeriac-default').labels;
    const selector = one.one('Deployment', 'one-celeriac-default').spec?.['selector'] as { readonly matchLabels: Values };
    expect(Object.entries(selector.matchLabels).every(([name, value]) => labels[name] === value)).toBe(false);
  });

  it('of pools may be numbers and words that YAML takes for something else', async () => {
    const pools = { '1': { queues: ['1'] }, on: { queues: ['on'] }, null: { queues: ['~'] }, '1e3': { queues: ['1e3'] } };
    const rendered = await render({ ...minimal, pools });
    for (const name of Object.keys(pools)) {
      const { metadata } = rendered.one('Deployment', `demo-celeriac-${name}`);
      expect(metadata.labels?.['celeriac.dev/pool']).toBe(name);
    }
  });

  it('the selector of a pool stays when version, image and labels change, for Kubernetes cannot change it', async () => {
    const selector = async (values: Values): Promise<unknown> =>
      (await render(values)).one('Deployment', 'demo-celeriac-mail').spec?.['selector'];
    const before = await selector(withPool({}));
    expect(await selector({ ...withPool({ podLabels: { a: 'b' }, image: { tag: '9' }, kind: 'node' }), commonLabels: { c: 'd' } })).toEqual(
      before,
    );
    expect(JSON.stringify(before)).not.toContain('0.1.0');
  });
});

describe.concurrent('accounts of pools', () => {
  it('are one for each, and hold no rights', async () => {
    const rendered = await render({ ...minimal, pools: { a: { queues: ['a'] }, b: { queues: ['b'] } } });
    for (const name of ['demo-celeriac-a', 'demo-celeriac-b']) {
      expect(rendered.one('ServiceAccount', name)['automountServiceAccountToken']).toBe(false);
      expect(podOf(rendered, name).spec['serviceAccountName']).toBe(name);
    }
    const bound = rendered.of('RoleBinding').flatMap((binding) => binding['subjects'] as readonly { readonly name: string }[]);
    expect(bound.map(({ name }) => name)).toEqual(['demo-celeriac-autoscaler']);
  });

  it('are one for several where they share its name, or one that is there already', async () => {
    const shared = { serviceAccount: { name: 'jobs', annotations: { role: 'x' } } };
    const rendered = await render({ ...minimal, pools: { a: { queues: ['a'], ...shared }, b: { queues: ['b'], ...shared } } });
    expect(rendered.one('ServiceAccount', 'jobs').metadata.annotations).toEqual({ role: 'x' });
    const there = await render(withPool({ serviceAccount: { create: false, name: 'there' } }));
    expect(there.of('ServiceAccount').map(({ metadata }) => metadata.name)).toEqual(['demo-celeriac-autoscaler']);
    expect(podOf(there, 'demo-celeriac-mail').spec['serviceAccountName']).toBe('there');
    const none = await render(withPool({ serviceAccount: { create: false } }));
    expect(podOf(none, 'demo-celeriac-mail').spec['serviceAccountName']).toBe('default');
  });
});

it("budgets of disruption are there for each pool of the chart's own, where they are asked for", async () => {
  const pools = { a: { queues: ['a'] }, b: { queues: ['b'], existingDeployment: { name: 'b' } } };
  const budgets = async (values: Values): Promise<readonly string[]> =>
    (await render({ ...minimal, pools, autoscaler: { podDisruptionBudget: { enabled: false } }, ...values }))
      .of('PodDisruptionBudget')
      .map(({ metadata, spec }) => `${metadata.name} ${String(spec?.['maxUnavailable'])}`);
  expect(await budgets({})).toEqual([]);
  expect(await budgets({ podDisruptionBudget: { enabled: true } })).toEqual(['demo-celeriac-a 1']);
  expect(await budgets({ podDisruptionBudget: { enabled: true, maxUnavailable: '25%' } })).toEqual(['demo-celeriac-a 25%']);
});

describe.concurrent('further objects', () => {
  it('are taken as maps and as texts, with templates filled in', async () => {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'map' }, data: { ns: '{{ .Release.Namespace }}' } };
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ include "celeriac.fullname" . }}-text\n';
    const two = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: y }\n';
    const rendered = await render({ ...minimal, extraObjects: [map, text, two] });
    expect(rendered.one('ConfigMap', 'map')['data']).toEqual({ ns: 'jobs' });
    for (const name of ['demo-celeriac-text', 'x', 'y']) rendered.one('ConfigMap', name);
  });

  it('are refused where they are no templates', async () => {
    expect(await refusal({ ...minimal, extraObjects: ['{{ nonsense }}'] })).toContain('nonsense');
  });
});

describe('the package', () => {
  it('of both Helms has the schema, dashboards, alerts and tests, and no test values', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'celeriac-package-'));
    try {
      for (const helm of HELMS) {
        const { code, stderr } = await runProgram(helm, ['package', CHART, '--destination', join(folder, helm)]);
        expect(code, stderr).toBe(0);
        expect(readdirSync(join(folder, helm))).toEqual(['celeriac-0.1.0.tgz']);
        const names = tarNames(gunzipSync(readFileSync(join(folder, helm, 'celeriac-0.1.0.tgz'))));
        for (const name of ['values.schema.json', 'README.md', 'files/alerts/celeriac.yaml', 'files/tests/scale-from-zero.mjs']) {
          expect(names).toContain(`celeriac/${name}`);
        }
        expect(names.filter((name) => name.includes('dashboards/') && name.endsWith('.json')).length).toBeGreaterThan(3);
        expect(names.filter((name) => name.startsWith('celeriac/ci/'))).toEqual([]);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has a README whose links lead somewhere', () => {
    const dead = linksOf(readFileSync(join(CHART, 'README.md'), 'utf8')).filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = join(path === '' ? join(CHART, 'README.md') : resolve(CHART, path));
      try {
        return anchor !== undefined && !headingAnchors(readFileSync(target, 'utf8')).has(anchor);
      } catch {
        return true;
      }
    });
    expect(dead).toEqual([]);
  });
});

/** Names of the files in a tar archive; source: POSIX ustar, blocks of 512 bytes. */
function tarNames(tar: Buffer): readonly string[] {
  const names: string[] = [];
  for (let at = 0; at < tar.length; ) {
    const name = tar.toString('utf8', at, at + 100).replace(/\0.*$/s, '');
    if (name === '') break;
    const prefix = tar.toString('utf8', at + 345, at + 500).replace(/\0.*$/s, '');
    names.push(prefix === '' ? name : `${prefix}/${name}`);
    const size = Number.parseInt(tar.toString('utf8', at + 124, at + 136), 8);
    at += 512 * (1 + Math.ceil(size / 512));
  }
  return names;
}
