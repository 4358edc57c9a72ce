// What is rendered, asked of a real API server: validation, defaults and admission at the level "restricted", without keeping anything.

import { expect, it } from 'vitest';
import { sharedControlPlane } from '../kubernetes/control-plane.ts';
import { ciNames, render, type Values } from './render.ts';
import { restrictedNamespace } from './restricted-namespace.ts';

/** Kinds that the API server has no definition of. */
const CUSTOM = new Set(['ServiceMonitor', 'PodMonitor', 'PrometheusRule', 'ScaledObject']);

/** Asks for all objects; resolves with how many were asked for and how many would have been made. Rejects with refusals and warnings. */
async function admitted(over: string, values: Values = {}): Promise<{ readonly asked: number; readonly made: number }> {
  const cluster = await sharedControlPlane();
  // Deployments are admitted whatever their pods are: that those would be refused is a warning.
  const [namespace, legacy] = await Promise.all([restrictedNamespace(cluster), cluster.createNamespace()]);
  const theirs = { pools: { legacy: { existingDeployment: { name: 'legacy-worker', namespace: legacy } } } };
  const { objects } = await render(over === 'many-pools' ? theirs : values, { over, namespace });
  const items = objects
    .filter(({ kind = '' }) => !CUSTOM.has(kind))
    .map((object) => ({ ...object, metadata: { namespace, ...object.metadata } }));
  const args = ['apply', '--dry-run=server', '--warnings-as-errors', '--filename', '-'];
  const said = await cluster.kubectl(args, { stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
  const made = said.split('\n').filter((line) => line.endsWith('created (server dry run)'));
  return { asked: items.length, made: made.length };
}

it.concurrent.each(ciNames())('%s', async (over) => {
  const { asked, made } = await admitted(over);
  expect(made).toBe(asked);
  expect(asked).toBeGreaterThan(8);
});

it.concurrent('values that take the security context away are told', async () => {
  await expect(admitted('default', { defaults: { securityContext: null } })).rejects.toThrow(
    'would violate PodSecurity "restricted:latest"',
  );
});
