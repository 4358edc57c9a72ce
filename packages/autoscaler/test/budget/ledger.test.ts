import { afterEach, describe, expect, it } from 'vitest';
import { type BudgetLedger, createBudgetLedger } from '../../src/budget/ledger.ts';
import type { PoolConfig } from '../../src/config/pools-config.ts';
import { decide } from '../../src/decide/decide.ts';
import type { ReplicaSeen } from '../../src/decide/seen.ts';
import type { PoolSpec } from '../../src/decide/spec.ts';
import type { PoolTick } from '../../src/loop/pool-loop.ts';
import type { TargetReplica } from '../../src/targets/target.ts';
import { reading, type Sample, unavailable } from '../../src/window/sample.ts';
import { NOW, replica, replicas, restedState, seen, spec } from '../pool-fixtures.ts';

type Name = 'web' | 'batch';

const running = (count: number): Sample<readonly TargetReplica[]> =>
  reading(
    Array.from({ length: count }, (_, index) => {
      return {
        id: `r${index}`,
        nodename: null,
        host: null,
        phase: 'running',
        why: null,
        pid: null,
        startedAtMs: NOW,
        empty: false,
        probe: false,
      } as const;
    }),
    NOW,
  );

/** Two pools that share ten replicas, one slot each: `web` comes first. */
function rig(
  options: {
    readonly looks?: Partial<Record<Name, Sample<readonly TargetReplica[]>>>;
    readonly specs?: Partial<Record<Name, Partial<PoolSpec>>>;
    readonly clockMs?: () => number;
  } = {},
) {
  const woken: string[] = [];
  // Every task that waits needs a replica of its own.
  const queues = [{ name: 'celery', waitGoalMs: 100 }];
  const specs: Record<Name, PoolSpec> = {
    web: spec({ pool: 'web', slotsPerReplica: 1, queues, ...options.specs?.web }),
    batch: spec({ pool: 'batch', slotsPerReplica: 1, queues, ...options.specs?.batch }),
  };
  const pools = (['web', 'batch'] as const).map((name, tier): PoolConfig => {
    const target = { kind: 'local', command: ['x'], cwd: undefined, startTimeoutMs: 1, drainTimeoutMs: 1 } as const;
    return { spec: specs[name], target, budget: { from: 'shared', tier, weight: 1 } };
  });
  const ledger = createBudgetLedger({
    pools,
    budgets: new Map([['shared', { replicas: 10 }]]),
    look: (pool) => options.looks?.[pool as Name] ?? running(0),
    wake: (pool) => woken.push(pool),
    clockMs: options.clockMs ?? (() => 0),
  });
  open.push(ledger);
  const begin = (pool: Name, waiting: number, has: readonly ReplicaSeen[]): PoolTick => {
    const saw = seen(
      waiting,
      has.map((one) => ({ ...one, slots: 1 })),
      { grant: ledger.grant(pool) },
    );
    const decision = decide(NOW, specs[pool], saw, restedState(has));
    return { pool, spec: specs[pool], atMs: NOW, seen: saw, decision, sampledInMs: 0, tookMs: 0 };
  };
  const end = async (tick: PoolTick): Promise<PoolTick> => {
    ledger.observe(tick);
    await new Promise((resolve) => setImmediate(resolve));
    return tick;
  };
  return {
    ledger,
    begin,
    end,
    turn: (pool: Name, waiting: number, has: readonly ReplicaSeen[] = []) => end(begin(pool, waiting, has)),
    /** Who was woken since this was last asked. */
    woken: () => woken.splice(0),
  };
}

const open: BudgetLedger[] = [];
afterEach(() => {
  for (const ledger of open.splice(0)) ledger.close();
});

describe('a budget that pools share', () => {
  it('gives room to grow without asking twice, and the rest once it is asked for', async () => {
    const { turn, woken } = rig();
    expect((await turn('web', 4)).decision).toMatchObject({ to: 4, kind: 'scale' });
    expect((await turn('batch', 90)).decision).toMatchObject({ to: 5, reason: 'budget' });
    expect(woken()).toEqual(['batch']);
    expect((await turn('batch', 90, replicas(5))).decision).toMatchObject({ to: 6, reason: 'budget' });
    expect(woken()).toEqual([]);
  });

  it('wakes who was held back once something is free for it, and nobody else', async () => {
    const { turn, woken } = rig();
    await turn('batch', 90);
    const busy = replicas(10, { active: reading(1, NOW) });
    await turn('batch', 80, busy);
    woken();
    expect((await turn('web', 4)).decision).toMatchObject({ to: 0, reason: 'budget' });
    expect(woken()).toEqual([]);
    // Three of the batch have finished: they are idle, and the web wants them.
    const partly = busy.map((one, index) => (index < 3 ? { ...one, active: reading(0, NOW) } : one));
    expect((await turn('batch', 80, partly)).decision).toMatchObject({ from: 10 });
    expect(woken()).toEqual(['batch']);
    expect((await turn('batch', 80, partly)).decision).toMatchObject({ to: 7, reason: 'budget' });
    expect(woken()).toEqual([]);
    // Told to go: they take up room until they have gone.
    const leaving = partly.map((one, index) => (index < 3 ? { ...one, phase: 'leaving' as const } : one));
    await turn('batch', 80, leaving);
    expect(woken()).toEqual([]);
    expect((await turn('web', 4)).decision).toMatchObject({ to: 0, reason: 'budget' });
    await turn('batch', 80, leaving.slice(3));
    expect(woken()).toEqual(['web']);
    expect((await turn('web', 4)).decision).toMatchObject({ to: 3, reason: 'budget' });
  });

  it('does not wake anybody where nothing changes', async () => {
    const { turn, woken } = rig({ looks: { web: running(2), batch: running(1) } });
    const ready = (id: string): ReplicaSeen => replica(id, { active: reading(1, NOW) });
    for (let round = 0; round < 3; round += 1) {
      await turn('web', 0, [ready('a'), ready('b')]);
      await turn('batch', 0, [ready('c')]);
    }
    expect(woken()).toEqual([]);
  });

  it('sets aside what a turn may be using until that turn has ended', async () => {
    const { begin, end } = rig();
    const web = begin('web', 8, []);
    expect(web.decision.to).toBe(5);
    // The web's turn goes on: it is asking its target for them.
    const batch = begin('batch', 90, []);
    expect(batch.decision.to).toBe(5);
    await end(web);
    await end(batch);
  });

  it('grants nothing more while the replicas of a pool have not been read, and takes nothing either', async () => {
    const { turn } = rig({ looks: { web: unavailable('no answer', NOW), batch: running(3) } });
    expect((await turn('batch', 90, replicas(3))).decision).toMatchObject({
      to: 3,
      reason: 'budget',
      text: expect.stringContaining('grants nothing more until the replicas of web are known'),
    });
  });

  it('counts all replicas of a pool that has not decided yet as working', async () => {
    const { turn } = rig({ looks: { batch: running(7) } });
    expect((await turn('web', 90)).decision).toMatchObject({ to: 3, reason: 'budget' });
  });

  it('takes nothing from a pool that runs for one that only says what it would do', async () => {
    const { turn, woken } = rig({ specs: { web: { mode: 'dry-run' } } });
    await turn('batch', 90);
    const idle = replicas(10);
    await turn('batch', 90, idle);
    woken();
    await turn('web', 90);
    expect(woken()).toEqual([]);
    expect((await turn('batch', 90, idle)).decision).toMatchObject({ to: 10 });
  });

  it('forgets what it knew when the lease has been elsewhere', async () => {
    const { turn, ledger } = rig();
    await turn('web', 90);
    ledger.forget();
    expect(ledger.grant('batch')?.replicas).toBe(5);
  });

  it('divides no more often than its cost allows, and is never exceeded in between', async () => {
    let nowMs = 0;
    // Looking at the clock twice is 3 ms: a division that took 3 ms rests for 60.
    const { turn, ledger } = rig({ clockMs: () => (nowMs += 3) });
    expect((await turn('web', 4)).decision).toMatchObject({ to: 4 });
    expect((await turn('batch', 90)).decision).toMatchObject({ to: 5, reason: 'budget' });
    const leaving = replicas(4).map((one, index) => ({ ...one, phase: index < 3 ? ('leaving' as const) : ('ready' as const) }));
    expect((await turn('web', 90, leaving)).decision).toMatchObject({ from: 1, to: 2, reason: 'budget' });
    expect((await turn('web', 90, leaving)).decision).toMatchObject({ to: 2 });
    nowMs += 60;
    await turn('batch', 90, replicas(5));
    expect(ledger.grant('web')).toMatchObject({ replicas: 2, besides: 3 });
  });

  it('is divided among a thousand pools that all change within a second', { timeout: 10_000 }, () => {
    const pools = Array.from({ length: 1_000 }, (_, index): PoolConfig => {
      const target = { kind: 'local', command: ['x'], cwd: undefined, startTimeoutMs: 1, drainTimeoutMs: 1 } as const;
      return { spec: spec({ pool: `p${index}` }), target, budget: { from: 'shared', tier: index % 3, weight: 1 } };
    });
    const ledger = createBudgetLedger({
      pools,
      budgets: new Map([['shared', { replicas: 5_000 }]]),
      look: () => running(1),
      wake: () => undefined,
    });
    open.push(ledger);
    const has = [...replicas(3)];
    const saw = seen(40, has);
    const decision = decide(NOW, spec(), saw, restedState(has));
    const before = process.cpuUsage();
    let granted = 0;
    for (const { spec: own } of pools) {
      granted += ledger.grant(own.pool)?.replicas ?? 0;
      ledger.observe({ pool: own.pool, spec: own, atMs: NOW, seen: saw, decision, sampledInMs: 0, tookMs: 0 });
    }
    // Its own time, not that of others on the same core.
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(2_000);
    expect(granted).toBeGreaterThan(1_000);
  });

  it('leaves a pool without a budget alone', () => {
    expect(rig().ledger.grant('other')).toBeNull();
  });
});
