// What the scenarios of a fleet ask again and again.

import type { Effect, PoolSummary } from '@celeriac/autoscaler';
import { expect } from 'vitest';
import type { KubeList, KubeObject } from '../kubernetes/objects.ts';
import { resourcePath } from '../kubernetes/objects.ts';
import { until } from '../until.ts';
import { type AutoscalerProcess, type Fleet, said } from './fleet-rig.ts';

/** An Event that the autoscaler wrote. */
export interface OwnEvent {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly firstTimestamp: string;
}

/** Waits for an answer; where it does not come in time, the error tells what the autoscalers wrote and what became of the replicas. */
export async function eventually<T>(
  fleet: Fleet,
  what: string,
  ask: () => T | Promise<T>,
  { timeoutMs = 90_000, everyMs = 100 }: { readonly timeoutMs?: number; readonly everyMs?: number } = {},
): Promise<NonNullable<T>> {
  return until(ask, { timeoutMs, everyMs, what }).catch(async (error: Error) => {
    const pools = await leader(fleet)
      .pools()
      .catch((refusal: Error) => refusal.message);
    throw new Error(`${error.message}\n${JSON.stringify(pools, null, 1)}\n${said(fleet.autoscalers)}`);
  });
}

/** The autoscaler started last. */
export function leader(fleet: Fleet): AutoscalerProcess {
  const last = fleet.autoscalers.at(-1);
  if (last === undefined) throw new Error('no autoscaler was started');
  return last;
}

/** A pool as `celeriac pools` shows it, as soon as the autoscaler has decided on it: one that has just taken the lease has not. */
export async function poolOf(fleet: Fleet, name: string): Promise<PoolSummary> {
  const listed = async (): Promise<PoolSummary | undefined> => (await leader(fleet).pools()).find(({ pool }) => pool === name);
  return until(listed, { timeoutMs: 60_000, what: `pool ${name} listed` });
}

/** Why it has the size it has, and what would change that, as one text. */
export async function explained(fleet: Fleet, name: string): Promise<string> {
  const { because, wouldChange } = await leader(fleet).explain(name);
  return [...because, ...wouldChange].join('\n');
}

/** Our Events on a Deployment, oldest first. */
export async function ownEvents(fleet: Fleet, deployment: string): Promise<readonly OwnEvent[]> {
  type Event = OwnEvent & { involvedObject: { name: string }; reportingComponent: string };
  const { items } = await fleet.cluster.api.get<{ items: Event[] }>(resourcePath('Event', fleet.namespace));
  return items
    .filter(({ involvedObject, reportingComponent }) => involvedObject.name === deployment && reportingComponent.startsWith('celeriac'))
    .toSorted((a, b) => a.firstTimestamp.localeCompare(b.firstTimestamp));
}

/** All pods of a Deployment, those that are leaving too. */
export async function podsOf(fleet: Fleet, deployment: string): Promise<readonly KubeObject[]> {
  const query = { labelSelector: `app=${deployment}` };
  return (await fleet.cluster.api.get<KubeList>(resourcePath('Pod', fleet.namespace), query)).items;
}

/** What scale-in did in a pool, oldest first. */
export async function scaleInEffects(fleet: Fleet, pool: string): Promise<readonly Effect[]> {
  const records = await leader(fleet).journal(pool);
  return records.flatMap((record) => (record.type === 'scale-in' ? record.step.effects : []));
}

/** Times the number was raised and lowered since then. */
export function moves(fleet: Fleet, deployment: string, sinceMs = 0): { readonly up: number; readonly down: number } {
  const history = fleet.history(deployment);
  let up = 0;
  let down = 0;
  for (const [index, { replicas, atMs }] of history.entries()) {
    const before = history[index - 1]?.replicas;
    if (before === undefined || atMs < sinceMs) continue;
    if (replicas > before) up += 1;
    else down += 1;
  }
  return { up, down };
}

/** Whether a metric of a pool stands at a value: `metric(text, 'limited', { pool: 'a', reason: 'target' })`. */
export function metric(text: string, name: string, labels: Readonly<Record<string, string>>): number | undefined {
  for (const line of text.split('\n')) {
    const [, found, inner = '', value] = /^celeriac_([a-z_]+)\{([^}]*)\} (\S+)$/.exec(line) ?? [];
    if (found !== name) continue;
    if (Object.entries(labels).every(([label, wanted]) => inner.includes(`${label}="${wanted}"`))) return Number(value);
  }
  return undefined;
}

/** Nothing was killed, nothing was lost; nothing ran twice. */
export async function expectUnharmed(fleet: Fleet, ids: readonly string[]): Promise<void> {
  expect(fleet.kubelet.records.filter((record) => record.killed)).toEqual([]);
  expect(fleet.ledger.lost(ids)).toEqual([]);
  expect(fleet.ledger.duplicated().filter((id) => ids.includes(id))).toEqual([]);
  const killed = (await leader(fleet).metrics()).split('\n').filter((line) => line.startsWith('celeriac_tasks_killed_total{'));
  expect(killed.filter((line) => !line.endsWith(' 0'))).toEqual([]);
}
