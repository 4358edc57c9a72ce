// Pods that do not come up, one pool for each way: nothing is piled on top of them, the reason is told once and by its own word, other
// pools go on, and when the cause is gone the pool goes on by itself.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGate, type Gate } from '../integration/gate.ts';
import type { Fault } from '../kubelet/faults.ts';
import { celeriacProgram, type WorkerProgram } from '../kubernetes/worker-program.ts';
import { letTimePass } from '../until.ts';
import { eventually, expectUnharmed, explained, leader, metric, moves, ownEvents, podsOf, poolOf } from './fleet-checks.ts';
import { type Fleet, type FleetPool, STEADY_LEASE, startFleet } from './fleet-rig.ts';

const MAX = 3;
const scaling = `{ min: 0, max: ${MAX}, goal: { queueWait: 4s, expectedTaskTime: 1s, expectedStartTime: 3s }, idleToZero: 3s, downDelay: 2s }`;
const folder = mkdtempSync(join(tmpdir(), 'celeriac-stuck-'));
const gate = join(folder, 'gate');

let fleet: Fleet;

beforeAll(async () => {
  const pool = (name: string, more: Partial<FleetPool> = {}): FleetPool => ({ name, scaling, ...more });
  const secret = { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'late', key: 'token' } } };
  fleet = await startFleet({
    broker: 'redis',
    config: STEADY_LEASE,
    pools: [
      pool('well'),
      pool('leaving', { settings: { graceS: 20 } }),
      // without probes: a liveness probe would start the container anew after half a minute
      pool('silent', { deployment: 'startTimeout: 10s', program: (broker) => workerOf('silent', broker, false) }),
      pool('image'),
      pool('nowhere', { deployment: 'provisionTimeout: 3s' }),
      pool('secretless', { settings: { env: [secret] } }),
      pool('crashing', { program: gated }),
    ],
  });
});
afterAll(async () => {
  await fleet?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function workerOf(queue: string, broker: string, probes = true): WorkerProgram {
  const tasks = 'test/integration/autoscaler-tasks.ts';
  return celeriacProgram({ tasks, broker, queues: [queue], slots: 2, drainTimeoutS: 20, probes });
}

/** A worker that exits with code 3 until a file is there. */
function gated(broker: string): WorkerProgram {
  const program = workerOf('crashing', broker);
  return { ...program, command: ['sh', '-c', 'test -e "$0" || exit 3; exec "$@"', gate, ...program.command] };
}

/** Our Events on a Deployment that name a reason. */
async function told(name: string, reason: RegExp): Promise<number> {
  return (await ownEvents(fleet, name)).filter((event) => reason.test(`${event.reason} ${event.message}`)).length;
}

/** Brings a pool into trouble, looks at everything that is promised of it, and resolves with the ids of what waits for it. */
async function getsStuck(
  name: string,
  reason: RegExp,
  gate?: Gate,
): Promise<{ readonly ids: readonly string[]; readonly sinceMs: number }> {
  const ids = [...(await fleet.publish(name, 3, 300, gate))];
  await eventually(fleet, `${name} stuck for ${reason}`, async () => {
    const { stuck, replicas, limited } = await poolOf(fleet, name);
    return stuck > 0 && replicas === 0 && reason.test(limited ?? '');
  });
  const sinceMs = Date.now();
  const before = await fleet.wanted(name);
  expect(before).toBeLessThan(MAX);
  ids.push(...(await fleet.publish(name, 10, 300, gate)));
  const others = await fleet.publish('well', 4, 200);
  await fleet.ledger.allEnded(others, 120_000);

  await eventually(fleet, 'an Event that says why', async () => (await told(name, reason)) > 0);
  await letTimePass(4_000, 'turns that must neither add pods nor say the same again');
  expect(await told(name, reason)).toBe(1);
  expect(moves(fleet, name, sinceMs).up).toBe(0);
  const summary = await poolOf(fleet, name);
  expect(summary).toMatchObject({ pool: name, replicas: 0, waiting: 13, running: 0 });
  expect(summary.stuck).toBeGreaterThan(0);
  expect(summary.limited).toMatch(reason);
  expect(await explained(fleet, name)).toMatch(new RegExp(`stuck: ${name}-[^\\n]*${reason.source}`));
  const metrics = await leader(fleet).metrics();
  expect(metric(metrics, 'pool_slots', { pool: name, state: 'stuck' })).toBeGreaterThan(0);
  expect(metric(metrics, 'pool_slots', { pool: name, state: 'ready' })).toBe(0);
  expect(metric(metrics, 'limited', { pool: name, reason: 'target' })).toBe(1);
  const named = metrics.split('\n').filter((line) => line.startsWith('celeriac_stuck_replicas{') && line.includes(`pool="${name}"`));
  expect(named.filter((line) => reason.test(line)).map((line) => Number(line.split(' ').at(-1)))).toEqual([summary.stuck]);
  return { ids, sinceMs };
}

/** What waited runs, nothing is said to be wrong any more, and the pool is left as it was. */
async function recovers(name: string, ids: readonly string[]): Promise<void> {
  await fleet.ledger.allEnded(ids, 120_000).catch(async (error: Error) => {
    throw new Error(`${error.message}\n${await explained(fleet, name)}`);
  });
  await eventually(fleet, `nothing wrong with ${name}`, async () => {
    const { stuck, limited } = await poolOf(fleet, name);
    return stuck === 0 && limited === null;
  });
  await fleet.atZero(name);
  await expectUnharmed(fleet, ids);
}

describe.concurrent('pods that do not come up', () => {
  it('terminating for too long: counted apart, told of, and no hindrance', { timeout: 400_000 }, async () => {
    const fault = fleet.kubelet.stuckTerminating('leaving');
    const ids = [...(await fleet.publish('leaving', 2, 300))];
    await fleet.ledger.allEnded(ids, 120_000);
    await eventually(fleet, 'zero replicas wanted', async () => (await fleet.wanted('leaving')) === 0);
    const [pod] = await podsOf(fleet, 'leaving');
    await eventually(fleet, 'an Event of Terminating', async () => (await told('leaving', /\bTerminating\b/)) > 0, {
      timeoutMs: 180_000,
      everyMs: 500,
    });
    const summary = await poolOf(fleet, 'leaving');
    expect(summary.replicas).toBe(0);
    expect(summary.leaving).toBeGreaterThan(0);
    expect(await explained(fleet, 'leaving')).toMatch(new RegExp(`${pod?.metadata.name}[^\\n]*Terminating`));
    expect(metric(await leader(fleet).metrics(), 'stuck_replicas', { pool: 'leaving', reason: 'Terminating' })).toBe(1);
    ids.push(...(await fleet.publish('leaving', 2, 300)));
    await fleet.ledger.allEnded(ids, 120_000);
    expect(await told('leaving', /\bTerminating\b/)).toBe(1);
    fault.release();
    await fleet.atZero('leaving');
    await eventually(fleet, 'nothing leaving', async () => (await poolOf(fleet, 'leaving')).leaving === 0);
    await expectUnharmed(fleet, ids);
  });

  it('silent: a worker that runs and is not heard of', { timeout: 400_000 }, async () => {
    const fault = fleet.kubelet.silent('silent');
    const { ids } = await getsStuck('silent', /\bNoHeartbeat\b/);
    fault.release();
    // as a liveness probe would have it; the container starts again in its place
    for (const pod of await podsOf(fleet, 'silent')) {
      const pid = fleet.kubelet.pid(pod.metadata.name);
      if (pid !== undefined) process.kill(pid, 'SIGKILL');
    }
    await recovers('silent', ids);
  });

  it('no image: frozen, after a while down to one pod that shows when it is there', { timeout: 400_000 }, async () => {
    const image = /\b(?:ErrImagePull|ImagePullBackOff)\b/;
    let fault: Fault = fleet.kubelet.waitingReason('image', 'ErrImagePull', 'Failed to pull image "celeriac.test/worker:1": not found');
    const flip = (reason: 'ErrImagePull' | 'ImagePullBackOff'): void => {
      const next = fleet.kubelet.waitingReason('image', reason, 'Back-off pulling image "celeriac.test/worker:1"');
      fault.release();
      fault = next;
    };
    using gate = createGate();
    const { ids } = await getsStuck('image', image, gate);
    // a kubelet says the one while it pulls and the other between two tries, again and again
    for (const reason of ['ImagePullBackOff', 'ErrImagePull', 'ImagePullBackOff', 'ErrImagePull', 'ImagePullBackOff'] as const) {
      flip(reason);
      await letTimePass(1_500, 'turns that see this word');
    }
    const saidAtMs = (await ownEvents(fleet, 'image')).flatMap(({ message, firstTimestamp }) =>
      image.test(message) ? [Date.parse(firstTimestamp)] : [],
    );
    // half a minute passes before anything of the kind is said again, whatever the word is
    expect(saidAtMs.slice(1).filter((atMs, index) => atMs - (saidAtMs[index] ?? 0) < 29_000)).toEqual([]);
    expect(saidAtMs.length).toBeGreaterThan(0);
    await eventually(fleet, 'one pod left', async () => (await fleet.wanted('image')) === 1);
    // and that one stays: it would show nothing if it were made anew again and again
    expect(fleet.changes('image').slice(1)).not.toContain(0);
    fault.release();
    await eventually(fleet, 'more pods', async () => (await fleet.wanted('image')) > 1);
    gate.open();
    await recovers('image', ids);
  });

  it('unschedulable: kept for the node autoscaler, not added to', { timeout: 400_000 }, async () => {
    const fault = fleet.kubelet.holdPending('nowhere');
    const { ids } = await getsStuck('nowhere', /\bUnschedulable\b/);
    expect((await podsOf(fleet, 'nowhere')).length).toBeGreaterThan(0);
    fault.release();
    await recovers('nowhere', ids);
  });

  it('a Secret that is missing', { timeout: 400_000 }, async () => {
    const { ids } = await getsStuck('secretless', /\bCreateContainerConfigError\b/);
    await fleet.cluster.created(fleet.namespace, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'late' },
      stringData: { token: 'x' },
    });
    await recovers('secretless', ids);
  });

  it('a crash loop: never capacity, though it runs now and then', { timeout: 400_000 }, async () => {
    const { ids } = await getsStuck('crashing', /\bCrashLoopBackOff\b/);
    expect(await explained(fleet, 'crashing')).toMatch(/exit code 3/);
    writeFileSync(gate, '');
    await recovers('crashing', ids);
  });
});
