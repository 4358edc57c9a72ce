// What the scenarios of the chart ask again and again.

import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { type KubeList, type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { letTimePass } from '../until.ts';
import { ask, type ChartRig, MOST } from './chart-rig.ts';
import { busyAt, endedBadly, runsOf } from './fleet-safety.ts';
import { type PolicyRule, permissionOf, permissions } from './permissions.ts';

export interface LoadedRun<T> {
  readonly ids: string[];
  /** Those at work when it began. */
  readonly workers: readonly string[];
  readonly answer: T;
}

/** Tasks that are not done, at any time: four rounds of all slots there can be. */
const BACKLOG = 4 * 2 * MOST;

/** Does something while there are always more tasks than all workers of the largest pool can run; whatever it is, the number of replicas stays. */
export async function underLoad<T>(rig: ChartRig, act: () => Promise<T>): Promise<LoadedRun<T>> {
  const ids: string[] = [];
  const feed = async (): Promise<void> => {
    ids.push(...(await rig.publish('emails', BACKLOG - rig.ledger.lost(ids).length, 2_000)));
  };
  const allAtWork = async (): Promise<boolean> => {
    await feed();
    if ((await rig.wanted('emails')) !== MOST || (await names(rig, 'worker')).length !== MOST) return false;
    return busyAt(runsOf(rig), Date.now()) === MOST;
  };
  await rig.eventually('all workers at work', allAtWork, 120_000);
  const workers = await names(rig, 'worker');
  const beganMs = Date.now();
  let ended = false;
  const acting = act().finally(() => {
    ended = true;
  });
  while (!ended) {
    await feed();
    await Promise.race([acting.catch(() => undefined), letTimePass(500, 'the next tasks arrive')]);
  }
  const answer = await acting;
  expect(rig.ledger.lost(ids), 'tasks must be at work to the end').not.toEqual([]);
  const since = rig.history(rig.deployment('emails')).filter(({ atMs }) => atMs >= beganMs);
  expect({ workers: workers.length, since, wanted: await rig.wanted('emails') }).toEqual({ workers: MOST, since: [], wanted: MOST });
  return { ids, workers, answer };
}

/** Nothing was lost, nothing ran twice, nothing was killed or ended badly. */
export function expectKept(rig: ChartRig, ids: readonly string[]): void {
  const { kubelet, ledger } = rig;
  const failed = kubelet.records
    .filter(endedBadly)
    .map((record) => `${record.pod} ended with ${record.exitCode}: ${record.output().slice(-1_000)}`);
  const seen = { killed: kubelet.records.filter(({ killed }) => killed), failed, lost: ledger.lost(ids), twice: ledger.duplicated() };
  expect(seen).toEqual({ killed: [], failed: [], lost: [], twice: [] });
}

export async function expectOneLeader(rig: ChartRig): Promise<void> {
  // The Lease, what the replicas say of themselves and the label by which the Service finds the leader are of one mind, once those that an
  // upgrade replaced are gone and the leader has read every signal.
  const path = resourcePath('Lease', rig.namespace, `${rig.release}-celeriac-autoscaler`);
  const seen = async (): Promise<unknown> => {
    const pods = await rig.pods('autoscaler');
    const answers = await Promise.all(pods.map((pod) => ask(pod, '/readyz').catch((error: Error) => error.message)));
    const { spec } = await rig.cluster.api.get<KubeObject<{ holderIdentity: string }>>(path);
    return pods
      .map(({ metadata: { name, labels } }, index) => ({
        says: answers[index]?.trim(),
        isLabelled: labels?.['celeriac.dev/role'] === 'leader',
        holdsLease: rig.kubelet.realHostnames ? spec?.holderIdentity.includes(name) : answers[index]?.trim() === 'ok',
      }))
      .toSorted((a, b) => String(a.says).localeCompare(String(b.says)));
  };
  const wanted = [
    { says: 'ok', isLabelled: true, holdsLease: true },
    { says: 'standby', isLabelled: false, holdsLease: false },
  ];
  await rig.eventually('one that leads and one that stands by', async () => isDeepStrictEqual(await seen(), wanted), 120_000);
}

/** No pod asked for what it may not, and the Role allows nothing that was not asked for, but for what waits for a chance. */
export async function expectRoleUsed(rig: ChartRig): Promise<void> {
  const path = resourcePath('Role', rig.namespace, `${rig.release}-celeriac-autoscaler`);
  const { rules } = await rig.cluster.api.get<{ readonly rules: readonly PolicyRule[] }>(path);
  expect(rig.proxy.requests.filter(({ status }) => status === 403)).toEqual([]);
  const used = new Set(rig.proxy.requests.map(permissionOf));
  expect([...used].toSorted()).toEqual(permissions(rules).toSorted());
  const scaled = rules.find(({ resources }) => resources.includes('deployments/scale'));
  expect(scaled?.resourceNames).toEqual(['emails', 'quiet'].map((pool) => rig.deployment(pool)));
}

export async function names(rig: ChartRig, component: 'worker' | 'autoscaler'): Promise<readonly string[]> {
  const pods = await rig.pods(component);
  return pods
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.name)
    .toSorted();
}

/** `KIND NAME` of all there are. */
export async function objects(rig: ChartRig, kinds: readonly string[]): Promise<readonly string[]> {
  const lists = await Promise.all(kinds.map((kind) => rig.cluster.api.get<KubeList>(resourcePath(kind, rig.namespace))));
  return lists.flatMap(({ items }, index) => items.map(({ metadata }) => `${kinds[index]} ${metadata.name}`));
}
