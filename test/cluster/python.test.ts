// Deployments of Python Celery: known by heartbeats and remote control alone, whatever their workers are called.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import { createGate } from '../integration/gate.ts';
import type { Kubelet } from '../kubelet/kubelet.ts';
import { type PythonProgram, pythonProgram } from '../kubernetes/worker-program.ts';
import { ledgerApp } from '../python/ledger-app.ts';
import { letTimePass } from '../until.ts';
import { eventually, expectUnharmed, leader, podsOf, poolOf, scaleInEffects } from './fleet-checks.ts';
import { type Fleet, type FleetPool, STEADY_LEASE, startFleet } from './fleet-rig.ts';

const scaling = '{ min: 0, max: 2, goal: { queueWait: 3s, expectedTaskTime: 1s, expectedStartTime: 2s }, idleToZero: 3s, downDelay: 2s }';
const acksLate = `${ledgerApp}\napp.conf.task_acks_late = True\napp.conf.worker_prefetch_multiplier = 1\n`;
const folder = mkdtempSync(join(tmpdir(), 'celeriac-python-'));

let redis: RedisServer;
let fleet: Fleet;
const programs: PythonProgram[] = [];

async function python(name: string, app: string, args: readonly string[] = []): Promise<FleetPool> {
  const program = await pythonProgram({ app, broker: redis.url, queues: [name], args });
  programs.push(program);
  // the time of the longest task and 35 s more: a worker of Python may take so long to exit
  return { name, scaling, program: () => program, settings: { graceS: 65 } };
}

/** The first pod to come goes by a name that says nothing of it. */
async function partlyLost(name: string): Promise<FleetPool> {
  const pool = await python(name, ledgerApp);
  const program = programs.at(-1);
  if (program === undefined) throw new Error('no program');
  const [first = '', ...rest] = program.command;
  const script = 'if mkdir "$0" 2>/dev/null; then exec "$@" -n lost@nowhere; else exec "$@"; fi';
  const command = ['sh', '-c', script, join(folder, 'taken'), first, ...rest];
  return { ...pool, program: () => ({ ...program, command }) };
}

beforeAll(async () => {
  redis = await startRedis();
  const pools = [
    await python('late', acksLate),
    await python('early', ledgerApp),
    await python('renamed', ledgerApp, ['-n', 'other@%h']),
    await partlyLost('mixed'),
    { name: 'node', scaling },
  ];
  fleet = await startFleet({ broker: { url: redis.url }, config: STEADY_LEASE, pools });
});
afterAll(async () => {
  await fleet?.[Symbol.asyncDispose]();
  await redis?.stop();
  for (const program of programs) program[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

const outputOf = (kubelet: Kubelet, pod: string): string => kubelet.output(pod);

describe.concurrent('0 -> N -> 0', () => {
  it.each(['late', 'early', 'node'])('%s: spares who works to the end', { timeout: 400_000 }, async (name) => {
    using gate = createGate();
    const long = await fleet.publish(name, 1, 0, gate);
    const ids = [...long, ...(await fleet.publish(name, 12, 800))];
    await eventually(fleet, 'two pods wanted', async () => (await fleet.wanted(name)) === 2);
    await fleet.ledger.allEnded(ids.slice(1), 120_000);
    await eventually(fleet, 'one pod beside the long task', async () => (await fleet.wanted(name)) === 1);
    await eventually(fleet, 'the long task to run', () => fleet.ledger.counts().starts.has(long[0] ?? ''));
    expect(fleet.ledger.counts().ends.has(long[0] ?? '')).toBe(false);
    gate.open();
    await fleet.ledger.allEnded(long, 60_000);
    await fleet.atZero(name);
    await expectUnharmed(fleet, ids);
    const counts = fleet.ledger.counts();
    expect(ids.filter((id) => counts.starts.get(id) !== 1)).toEqual([]);
    const kinds = new Set((await scaleInEffects(fleet, name)).map(({ kind }) => kind));
    expect([...kinds]).toEqual(expect.arrayContaining(['cordon', 'mark', 'remove']));
  });

  it('renamed: workers are matched by the host they name', { timeout: 400_000 }, async () => {
    expect(fleet.kubelet.realHostnames).toBe(true);
    const ids = await fleet.publish('renamed', 6, 800);
    await fleet.ledger.allEnded(ids, 120_000);
    // of two pods one may have done it all before the other was up
    const named = () => fleet.kubelet.records.filter((record) => record.output().includes(`other@${record.pod}`));
    await eventually(fleet, 'a worker that goes by its other name', () => named().length > 0);
    await fleet.atZero('renamed');
    const cordons = (await scaleInEffects(fleet, 'renamed')).flatMap((effect) => (effect.kind === 'cordon' ? [effect.nodename] : []));
    expect(cordons.length).toBeGreaterThan(0);
    expect(cordons.every((nodename) => nodename.startsWith('other@renamed-'))).toBe(true);
    await expectUnharmed(fleet, ids);
  });

  it('mixed: a worker that cannot be matched is never taken', { timeout: 400_000 }, async () => {
    const ids = [...(await fleet.publish('mixed', 16, 800))];
    await eventually(fleet, 'two pods', async () => (await podsOf(fleet, 'mixed')).length === 2);
    await fleet.ledger.allEnded(ids, 120_000);
    await eventually(fleet, 'one pod taken', async () => (await fleet.running('mixed')).length === 1);
    const [left] = await fleet.running('mixed');
    const name = left?.metadata.name ?? '';
    expect(outputOf(fleet.kubelet, name)).toMatch(/lost@nowhere/);
    using gate = createGate();
    const [unseen = ''] = await fleet.publish('mixed', 1, 0, gate);
    ids.push(unseen);
    await eventually(fleet, 'a task in it', () => fleet.ledger.counts().starts.has(unseen));
    await letTimePass(8_000, 'a task of which no heartbeat of this pod tells');
    expect((await fleet.running('mixed')).map(({ metadata }) => metadata.name)).toContain(name);
    gate.open();
    await fleet.ledger.allEnded(ids, 60_000);
    await letTimePass(6_000, 'longer than a pool without work keeps what it may take');
    expect((await fleet.running('mixed')).map(({ metadata }) => metadata.name)).toEqual([name]);
    expect((await poolOf(fleet, 'mixed')).replicas).toBe(1);
    const effects = await scaleInEffects(fleet, 'mixed');
    expect(effects.filter((effect) => 'id' in effect && effect.id === name)).toEqual([]);
    await expectUnharmed(fleet, ids);
    expect(leader(fleet).process.output()).not.toMatch(/"level":"error"/);
  });
});
