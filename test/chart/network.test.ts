// Network policies: none by default; then who may come in, and where workers and autoscaler may go.

import { describe, expect, it } from 'vitest';
import { minimal } from './minimal.ts';
import { hasLabels, matchLabels, podTemplates } from './pods.ts';
import { type Rendered, render, type Values } from './render.ts';

interface Policy {
  readonly podSelector: Values;
  readonly policyTypes: readonly string[];
  readonly ingress: readonly { readonly from: readonly Values[]; readonly ports: readonly { readonly port: number }[] }[];
  readonly egress?: readonly Values[];
}

const WORKER = 'demo-celeriac-worker';
const AUTOSCALER = 'demo-celeriac-autoscaler';
const withPolicies = (networkPolicy: Values, more: Values = {}): Promise<Rendered> =>
  render({ ...minimal, ...more, networkPolicy: { enabled: true, ...networkPolicy } });
const policy = (rendered: Rendered, name: string): Policy => rendered.one('NetworkPolicy', name).spec as unknown as Policy;

it('there is none by default', async () => {
  expect((await render(minimal)).of('NetworkPolicy')).toEqual([]);
});

describe.concurrent('who may come in', () => {
  it("are the release's own pods, on the ports that are served", async () => {
    const rendered = await withPolicies({});
    const own = matchLabels(policy(rendered, AUTOSCALER).ingress[0]?.from[0]?.['podSelector']);
    const pods = podTemplates(rendered);
    expect(pods.length).toBeGreaterThan(2);
    expect(pods.filter(({ labels }) => !hasLabels(labels, own)).map(({ of }) => of)).toEqual([]);
    expect(policy(rendered, AUTOSCALER).ingress.map(({ ports }) => ports.map(({ port }) => port))).toEqual([[9810, 9808]]);
    expect(policy(rendered, WORKER).ingress.map(({ ports }) => ports.map(({ port }) => port))).toEqual([[8081]]);
    for (const name of [WORKER, AUTOSCALER]) expect(policy(rendered, name).ingress[0]?.from, name).toHaveLength(1);
  });

  it('are those of values too', async () => {
    const peer = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } };
    const rendered = await withPolicies({ ingressFrom: [peer] });
    for (const name of [WORKER, AUTOSCALER]) expect(policy(rendered, name).ingress[0]?.from[1], name).toEqual(peer);
  });

  it('ask no port of celery-exporter where it is not served', async () => {
    const rendered = await withPolicies({}, { metrics: { celeryCompat: false } });
    expect(policy(rendered, AUTOSCALER).ingress[0]?.ports.map(({ port }) => port)).toEqual([9810]);
  });
});

describe.concurrent('where pods may go', () => {
  const broker = { to: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ port: 6379, protocol: 'TCP' }] };
  const database = { ports: [{ port: 5432, protocol: 'TCP' }] };
  const api = { to: [{ ipBlock: { cidr: '10.1.1.1/32' } }] };
  const dns = {
    ports: [
      { port: 53, protocol: 'UDP' },
      { port: 53, protocol: 'TCP' },
    ],
  };

  it('is not limited until it is said where the broker is', async () => {
    const rendered = await withPolicies({ workerEgress: [database], apiServerEgress: [api] });
    for (const name of [WORKER, AUTOSCALER]) {
      expect(policy(rendered, name).policyTypes, name).toEqual(['Ingress']);
      expect(policy(rendered, name), name).not.toHaveProperty('egress');
    }
  });

  it('is DNS, the broker and what else is named', async () => {
    const rendered = await withPolicies({ brokerEgress: [broker], workerEgress: [database], apiServerEgress: [api] });
    expect(policy(rendered, WORKER)).toMatchObject({ policyTypes: ['Ingress', 'Egress'], egress: [dns, broker, database] });
    expect(policy(rendered, AUTOSCALER)).toMatchObject({ policyTypes: ['Ingress', 'Egress'], egress: [dns, broker, api] });
  });

  it('is the API server at its usual ports for the autoscaler, where nothing is said', async () => {
    const rendered = await withPolicies({ brokerEgress: [broker] });
    const ports = [443, 6443].map((port) => ({ port, protocol: 'TCP' }));
    expect(policy(rendered, AUTOSCALER).egress).toEqual([dns, broker, { ports }]);
    expect(policy(rendered, WORKER).egress).toEqual([dns, broker]);
  });
});

it('workers of all pools are covered by one policy, and pods of other components by none of it', async () => {
  const pools = { a: { queues: ['a'] }, b: { queues: ['b'], kind: 'python', app: 'b', image: { repository: 'b' } } };
  const rendered = await withPolicies({}, { pools });
  const covered = podTemplates(rendered).filter(({ labels }) => hasLabels(labels, matchLabels(policy(rendered, WORKER).podSelector)));
  expect(covered.map(({ of }) => of)).toEqual(['Deployment demo-celeriac-a', 'Deployment demo-celeriac-b']);
});
