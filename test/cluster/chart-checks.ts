// What the scenarios of the chart ask again and again.

import { expect } from 'vitest';
import { type KubeList, type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { letTimePass } from '../until.ts';
import { ask, type ChartRig, MOST } from './chart-rig.ts';
import { type PolicyRule, permissionOf, permissions } from './permissions.ts';

export interface LoadedRun<T> {
  readonly ids: string[];
  /** Those at work when it began. */
  readonly workers: readonly string[];
  readonly answer: T;
}

/** Does something while more tasks arrive than all workers of the largest pool can run; whatever it is, the number of replicas stays. */
export async function underLoad<T>(rig: ChartRig, act: () => Promise<T>): Promise<LoadedRun<T>> {
  const ids = [...(await rig.publish('emails', 16, 2_000))];
  const started = (): number => ids.filter((id) => rig.ledger.counts().starts.has(id)).length;
  await rig.eventually('all slots at work', async () => (await rig.wanted('emails')) === MOST && started() >= 2 * MOST);
  const workers = await names(rig, 'worker');
  const beganMs = Date.now();
  let ended = false;
  const acting = act().finally(() => {
    ended = true;
  });
  while (!ended) {
    ids.push(...(await rig.publish('emails', 3, 2_000)));
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
    .filter(({ endedAtMs, exitCode }) => endedAtMs !== undefined && exitCode !== 0)
    .map((record) => `${record.pod} ended with ${record.exitCode}: ${record.output().slice(-1_000)}`);
  const seen = { killed: kubelet.records.filter(({ killed }) => killed), failed, lost: ledger.lost(ids), twice: ledger.duplicated() };
  expect(seen).toEqual({ killed: [], failed: [], lost: [], twice: [] });
}

export async function expectOneLeader(rig: ChartRig): Promise<void> {
  const leader = await rig.leader();
  // The Lease, what the replicas say of themselves and the label by which the Service finds the leader are of one mind.
  const name = `${rig.release}-celeriac-autoscaler`;
  const lease = await rig.cluster.api.get<KubeObject<{ holderIdentity: string }>>(resourcePath('Lease', rig.namespace, name));
  if (rig.kubelet.realHostnames) expect(lease.spec?.holderIdentity).toContain(leader.metadata.name);
  await rig.eventually('the label of the leader', async () => {
    const labelled = (await rig.pods('autoscaler')).filter(({ metadata }) => metadata.labels?.['celeriac.dev/role'] === 'leader');
    return labelled.length === 1 && labelled[0]?.metadata.name === leader.metadata.name;
  });
  // It leads before it has read every signal.
  await rig.eventually('one that is ready and one that stands by', async () => {
    const answers = await Promise.all((await rig.pods('autoscaler')).map((pod) => ask(pod, '/readyz')));
    return (
      answers
        .map((answer) => answer.trim())
        .toSorted()
        .join() === 'ok,standby'
    );
  });
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
