// What Prometheus and Grafana get from the chart: monitors, alerts and dashboards, each only where it is asked for.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { headingAnchors } from '../architecture/markdown.ts';
import { CHART, runProgram } from './helm.ts';
import { minimal } from './minimal.ts';
import { hasLabels, matchLabels, podTemplates } from './pods.ts';
import { type Rendered, render, type Values } from './render.ts';

const NAME = 'demo-celeriac-autoscaler';
const withMetrics = (metrics: Values, more: Values = {}): Promise<Rendered> => render({ ...minimal, ...more, metrics });

it('nothing of it is there by default', async () => {
  const { objects } = await render(minimal);
  const kinds = new Set(objects.map(({ kind }) => kind));
  for (const kind of ['ServiceMonitor', 'PodMonitor', 'PrometheusRule']) expect(kinds).not.toContain(kind);
  expect(objects.filter(({ kind }) => kind === 'ConfigMap')).toHaveLength(1);
});

describe.concurrent('the ServiceMonitor', () => {
  it("scrapes the autoscaler, and the metrics of celery-exporter under that one's job", async () => {
    const rendered = await withMetrics({ serviceMonitor: { enabled: true, labels: { release: 'prometheus' }, interval: '1m' } });
    const monitor = rendered.one('ServiceMonitor', NAME);
    expect(monitor.metadata.labels).toMatchObject({ release: 'prometheus' });
    expect(monitor.spec).toMatchObject({ namespaceSelector: { matchNames: ['jobs'] } });
    expect(monitor.spec?.['endpoints']).toEqual([
      { port: 'http', path: '/metrics', interval: '1m' },
      {
        port: 'celery-metrics',
        path: '/metrics',
        interval: '1m',
        relabelings: [{ action: 'replace', targetLabel: 'job', replacement: 'celery-exporter' }],
      },
    ]);
    // `job` of the other port is the name of the Service, which the alerts ask for.
    expect(monitor.spec).not.toHaveProperty('jobLabel');
  });

  it('selects the Service of all pods and not that of the leader, whose series would count twice', async () => {
    const rendered = await withMetrics({ serviceMonitor: { enabled: true } });
    const wanted = matchLabels(rendered.one('ServiceMonitor', NAME).spec?.['selector']);
    const chosen = rendered.of('Service').filter(({ metadata }) => hasLabels(metadata.labels ?? {}, wanted));
    expect(chosen.map(({ metadata }) => metadata.name)).toEqual([NAME]);
  });

  it('has another job where that is said, and one port where celery-exporter keeps running', async () => {
    const other = await withMetrics({ serviceMonitor: { enabled: true, jobLabel: 'mine' } });
    expect(JSON.stringify(other.one('ServiceMonitor', NAME).spec)).toContain('"replacement":"mine"');
    const one = await withMetrics({ celeryCompat: false, serviceMonitor: { enabled: true } });
    expect(one.one('ServiceMonitor', NAME).spec?.['endpoints']).toHaveLength(1);
  });
});

it('the PodMonitor scrapes Node workers, with their pool as a label', async () => {
  const pools = { a: { queues: ['a'] }, b: { queues: ['b'], kind: 'python', app: 'p', image: { repository: 'p' } } };
  const rendered = await withMetrics({ podMonitor: { enabled: true, interval: '45s', labels: { release: 'x' } } }, { pools });
  const monitor = rendered.of('PodMonitor')[0];
  expect(rendered.of('PodMonitor')).toHaveLength(1);
  expect(monitor?.metadata.labels).toMatchObject({ release: 'x' });
  expect(monitor?.spec?.['podMetricsEndpoints']).toEqual([
    {
      port: 'http',
      path: '/metrics',
      interval: '45s',
      relabelings: [{ sourceLabels: ['__meta_kubernetes_pod_label_celeriac_dev_pool'], targetLabel: 'pool' }],
    },
  ]);
  const scraped = podTemplates(rendered).filter(({ spec }) =>
    (spec['containers'] as readonly { readonly ports?: readonly { readonly name: string }[] }[]).some(({ ports = [] }) =>
      ports.some(({ name }) => name === 'http'),
    ),
  );
  expect(scraped.map(({ of }) => of)).toContain('Deployment demo-celeriac-a');
  expect(scraped.map(({ of }) => of)).not.toContain('Deployment demo-celeriac-b');
});

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

describe.concurrent('alerts', () => {
  const file = parse(readFileSync(join(CHART, 'files/alerts/celeriac.yaml'), 'utf8')) as {
    readonly rules: readonly {
      readonly name: string;
      readonly alert: string;
      readonly expr: string;
      readonly for: string;
      readonly severity: string;
      readonly threshold?: number;
    }[];
  };
  const alerts = async (prometheusRule: Values): Promise<readonly Alert[]> => {
    const rendered = await withMetrics({ prometheusRule: { enabled: true, ...prometheusRule } });
    const { groups } = rendered.one('PrometheusRule', 'demo-celeriac').spec as {
      readonly groups: readonly { readonly rules: readonly Alert[] }[];
    };
    return groups.flatMap(({ rules }) => rules);
  };

  it('are all there, complete, and of this release only', async () => {
    const all = await alerts({});
    expect(all.map(({ alert }) => alert)).toEqual(file.rules.map(({ alert }) => alert));
    expect(all.length).toBeGreaterThan(8);
    // The job is what the ServiceMonitor makes of the autoscaler's own port, the pool what the PodMonitor adds to workers.
    const places = {
      __SELECTOR__: 'namespace="jobs",job="demo-celeriac-autoscaler"',
      __WORKERS__: 'namespace="jobs",pool!=""',
    };
    const filled = file.rules.map((rule) =>
      Object.entries(places)
        .reduce((text, [place, by]) => text.replaceAll(place, by), rule.expr)
        .replaceAll('__THRESHOLD__', String(rule.threshold)),
    );
    expect(all.map(({ expr }) => expr)).toEqual(filled);
    for (const { alert, expr, for: time, labels, annotations } of all) {
      expect(`${expr}${annotations['summary']}${annotations['description']}`, alert).not.toMatch(/__[A-Z]+__/);
      expect(expr, alert).toContain('namespace="jobs"');
      expect(time, alert).toMatch(/^\d+(s|m|h)$/);
      expect(labels['severity'], alert).toMatch(/^(info|warning|critical)$/);
      expect(annotations['summary'], alert).toBeTruthy();
      expect(annotations['description'], alert).toBeTruthy();
      expect(annotations['runbook_url'], alert).toMatch(/^https:\/\/.+#.+/);
    }
  });

  it('are what promtool takes for rules', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'celeriac-rules-'));
    try {
      const path = join(folder, 'rules.yaml');
      writeFileSync(path, JSON.stringify({ groups: [{ name: 'celeriac', rules: await alerts({}) }] }));
      const { code, stdout, stderr } = await runProgram('promtool', ['check', 'rules', path]);
      expect(code, stderr).toBe(0);
      expect(stdout).toContain(`${file.rules.length} rules found`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('are changed one by one, or left out', async () => {
    const [gone, changed] = file.rules;
    const limited = file.rules.find(({ threshold }) => threshold !== undefined);
    const rules = {
      [String(gone?.name)]: { enabled: false },
      [String(changed?.name)]: { for: '17m', severity: 'critical' },
      [String(limited?.name)]: { ...(limited === gone ? { enabled: true } : {}), threshold: 4_321_000 },
    };
    const all = await alerts({ rules, alertLabels: { team: 'shop' } });
    if (limited !== gone) expect(all.map(({ alert }) => alert)).not.toContain(gone?.alert);
    expect(all.find(({ alert }) => alert === changed?.alert)).toMatchObject({ for: '17m', labels: { severity: 'critical', team: 'shop' } });
    expect(all.find(({ alert }) => alert === limited?.alert)?.expr).toContain('4321000');
    expect(all.filter(({ labels }) => labels['team'] !== 'shop')).toEqual([]);
  });

  it('lead to headings of the page of runbooks, or of the page that is named', async () => {
    const anchors = (await alerts({})).map(
      ({ annotations }) => /\/(docs\/guide\/[a-z-]+\.md)#(.+)$/.exec(String(annotations['runbook_url'])) ?? [],
    );
    for (const [url, path = '', anchor = ''] of anchors) {
      expect(headingAnchors(readFileSync(join(CHART, '../..', path), 'utf8')), url).toContain(anchor);
    }
    for (const { annotations } of await alerts({ runbookUrl: 'https://wiki.example.com/alerts?name=' })) {
      expect(annotations['runbook_url']).toMatch(/^https:\/\/wiki\.example\.com\/alerts\?name=[a-z-]+$/);
    }
  });
});

describe.concurrent('dashboards', () => {
  it("are ConfigMaps that Grafana's sidecar finds, each with the file as it is", async () => {
    const rendered = await withMetrics({ dashboards: { enabled: true, annotations: { grafana_folder: 'Celery' } } });
    const maps = rendered.of('ConfigMap').filter(({ metadata }) => metadata.labels?.['grafana_dashboard'] === '1');
    const files = readdirSync(join(CHART, 'files/dashboards'));
    expect(maps).toHaveLength(files.length);
    expect(files.length).toBeGreaterThan(3);
    const shown = new Map(maps.flatMap(({ data }) => Object.entries(data as Readonly<Record<string, string>>)));
    for (const name of files) expect(shown.get(name), name).toBe(readFileSync(join(CHART, 'files/dashboards', name), 'utf8'));
    for (const { metadata } of maps) expect(metadata.annotations).toEqual({ grafana_folder: 'Celery' });
    const uids = [...shown.values()].map((text) => (JSON.parse(text) as { readonly uid: string }).uid);
    expect(new Set(uids).size).toBe(files.length);
  });

  it('have the label that is asked for', async () => {
    const rendered = await withMetrics({ dashboards: { enabled: true, label: 'dash', labelValue: 'yes' } });
    expect(rendered.of('ConfigMap').filter(({ metadata }) => metadata.labels?.['dash'] === 'yes').length).toBeGreaterThan(3);
  });
});
