// The life of a release, step by step, for either Helm: each step finds the cluster as the one before left it.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectKept, expectOneLeader, expectRoleUsed, names, objects, underLoad } from './chart-checks.ts';
import { type ChartRig, type Helm, startChartRig, type Values } from './chart-rig.ts';
import { expectSafe } from './fleet-safety.ts';

const KINDS = [
  ...['Pod', 'Deployment', 'ReplicaSet', 'Service', 'Secret', 'ConfigMap', 'ServiceAccount', 'Role', 'RoleBinding', 'Lease'],
  ...['PodDisruptionBudget', 'Job'],
];
const STEP_LIMIT_MS = 400_000;
const emails: Values = { queues: ['emails'] };
/** Never has any work, and would keep a worker for five minutes after the last. */
const quiet: Values = { queues: ['quiet'], scaling: { idleToZero: '5m' } };
const FIRST: Values = { pools: { emails, quiet } };
/** Another number in the autoscaler's file, nothing new for the workers. */
const SECOND: Values = { pools: { emails: { ...emails, scaling: { downDelay: '3s' } }, quiet } };
/** Another template for the workers, and a pool more. */
const THIRD: Values = {
  pools: { emails: { ...emails, env: { ROUND: 'third' }, scaling: { downDelay: '3s' } }, quiet, reports: { queues: ['reports'] } },
};

export function describeLifecycle(helm: Helm): void {
  describe(`a release of ${helm}`, () => {
    let rig: ChartRig;
    beforeAll(async () => {
      rig = await startChartRig(helm);
    });
    afterAll(async () => {
      await rig?.[Symbol.asyncDispose]();
    });
    const step = (name: string, run: () => Promise<void>): void => it(name, { timeout: STEP_LIMIT_MS }, run);

    step('is installed without a warning, in a namespace that enforces restricted pods, and its pools come to zero', async () => {
      const { stderr } = await rig.install(FIRST);
      expect(stderr).toBe('');
      // Kubernetes makes them with one replica each, which nobody asked for.
      await Promise.all([rig.atZero('emails'), rig.atZero('quiet')]);
      const autoscalers = await rig.pods('autoscaler');
      expect(autoscalers).toHaveLength(2);
      expect(autoscalers.flatMap(({ status }) => status?.containerStatuses?.map(({ restartCount }) => restartCount) ?? [])).toEqual([0, 0]);
      expect(rig.kubelet.records.filter(({ pod }) => pod.includes('-autoscaler-'))).toHaveLength(2);
      await expectOneLeader(rig);
    });

    step('runs a load from zero to what it needs and back, by what its Role allows', async () => {
      const deployment = rig.deployment('emails');
      const before = rig.history(deployment).length;
      const ids = await rig.publish('emails', 24, 700);
      await rig.ledger.allEnded(ids, 120_000);
      await rig.atZero('emails');
      expectSafe(rig, deployment, ids);
      const grown = rig.history(deployment).slice(before);
      expect(Math.max(...grown.map(({ replicas }) => replicas))).toBeGreaterThanOrEqual(3);
      await expectRoleUsed(rig);
    });

    step('keeps replicas and tasks while an upgrade of the settings in the middle of a load hands the lease on', async () => {
      const { ids, workers, answer } = await underLoad(rig, async () => {
        const autoscalers = await names(rig, 'autoscaler');
        const { stderr } = await rig.upgrade(SECOND);
        await expectOneLeader(rig);
        expect((await names(rig, 'autoscaler')).filter((name) => autoscalers.includes(name))).toEqual([]);
        return stderr;
      });
      expect(answer).toBe('');
      // The same workers at the same number.
      expect(await names(rig, 'worker')).toEqual(workers);
      await rig.ledger.allEnded(ids, 120_000);
      await rig.atZero('emails');
      expectSafe(rig, rig.deployment('emails'), ids);
    });

    step('replaces workers in the middle of their tasks by an upgrade that changes them and adds a pool', async () => {
      const { ids, workers, answer } = await underLoad(rig, () => rig.upgrade(THIRD));
      expect(answer.stderr).toBe('');
      ids.push(...(await rig.publish('reports', 4, 500)));
      await rig.ledger.allEnded(ids, 120_000);
      expect((await names(rig, 'worker')).filter((name) => workers.includes(name))).toEqual([]);
      await Promise.all([rig.atZero('emails'), rig.atZero('reports')]);
      expectKept(rig, ids);
      expect((await rig.pool('reports')).pool).toBe('reports');
    });

    step('goes back by a rollback in the middle of a load: replicas and tasks stay, the added pool goes', async () => {
      const rollback = ['rollback', rig.release, '2', '--wait', '--timeout', '200s'];
      const { ids, answer } = await underLoad(rig, () => rig.helm(rollback));
      expect(answer.stderr).toBe('');
      await rig.ledger.allEnded(ids, 120_000);
      await rig.atZero('emails');
      expectKept(rig, ids);
      const left = await objects(rig, ['Deployment', 'ServiceAccount']);
      expect(left.filter((object) => object.includes('reports'))).toEqual([]);
      await expect(rig.pool('reports')).rejects.toThrow(/no pool reports/);
      expect(await rig.metrics()).not.toMatch(/pool="reports"/);
    });

    step('has left a pool without work at zero all the time, however it was upgraded', async () => {
      const quietly = rig.history(rig.deployment('quiet')).map(({ replicas }) => replicas);
      expect(quietly).toEqual([1, 0]);
      await rig.atZero('quiet');
    });

    step('passes its own tests', async () => {
      const { stdout } = await rig.helm(['test', rig.release, '--timeout', '200s']);
      expect(stdout.match(/Phase: .*/g)).toEqual(['Phase:          Succeeded', 'Phase:          Succeeded']);
      const said = (test: string): string => rig.kubelet.logs(`${rig.release}-celeriac-test-${test}`);
      expect(said('round-trip')).toContain('[1, 2]');
      expect(said('scale-from-zero')).toContain('pool emails came up from zero and went back');
      await rig.atZero('emails');
    });

    step('is uninstalled in the middle of tasks, which end, and leaves nothing but its Lease', async () => {
      const ids = await rig.publish('emails', 4, 4_000);
      await rig.eventually('tasks at work', () => ids.every((id) => rig.ledger.counts().starts.has(id)));
      expect((await rig.helm(['uninstall', rig.release])).stderr).toBe('');
      const isOver = async (): Promise<boolean> => (await objects(rig, ['ReplicaSet', 'Pod'])).length === 0;
      await rig.eventually('the end of all ReplicaSets and pods', isOver);
      expectKept(rig, ids);
      // The autoscaler's right to give the Lease back went with its Role: the next to be installed waits until it has run out.
      const left = ['ConfigMap kube-root-ca.crt', 'ServiceAccount default', `Lease ${rig.release}-celeriac-autoscaler`];
      expect(await objects(rig, KINDS)).toEqual(left);
    });

    step('is installed again over what it left: the old Lease runs out, and tasks are run', async () => {
      expect((await rig.install(FIRST)).stderr).toBe('');
      await expectOneLeader(rig);
      const ids = await rig.publish('emails', 4, 200);
      await rig.ledger.allEnded(ids, 120_000);
      await Promise.all([rig.atZero('emails'), rig.atZero('quiet')]);
      expectKept(rig, ids);
    });
  });
}
