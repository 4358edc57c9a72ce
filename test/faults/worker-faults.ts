import { setTimeout as pause } from 'node:timers/promises';
import { processTree } from '../../bench/process-memory.ts';
import { startProxy } from '../brokers/proxy.ts';
import { OwnClock } from '../own-clock.ts';
import type { SpawnedProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { account } from './accounting.ts';
import type { FaultRow, FaultScale } from './row.ts';
import { type FaultBroker, openStage } from './stage.ts';

const POOL_CHILDREN = 4;

/** SIGKILL of worker parents and of their children, by turns, under load. */
export async function killWorkers(broker: FaultBroker, scale: FaultScale, random: () => number): Promise<FaultRow> {
  await using stage = await openStage(broker);
  const workers = [await stage.startWorker(), await stage.startWorker()];
  const ids: string[] = [];
  const perKill = Math.ceil(scale.tasks / scale.kills);
  let lastFaultAt = performance.now();
  for (let kill = 0; kill < scale.kills; kill += 1) {
    ids.push(...(await stage.publish(perKill, 2)));
    await pause(random() * 150);
    const index = kill % workers.length;
    const worker = workers[index] as SpawnedProcess;
    lastFaultAt = performance.now();
    if (kill % 4 < 2) {
      // the parent alone: its children must end by themselves
      worker.signal('SIGKILL');
      await worker.ended;
      workers[index] = await stage.startWorker();
    } else {
      const children = processTree(worker.pid).slice(1, 1 + POOL_CHILDREN);
      const child = children[Math.floor(random() * children.length)];
      if (child !== undefined) trySignal(child, 'SIGKILL');
    }
  }
  return await account(stage, 'kill -9 of parents and children', ids, { faults: scale.kills, lastFaultAt });
}

/** SIGTERM under load, with tasks of a few milliseconds. */
export async function drainWorkers(broker: FaultBroker, scale: FaultScale): Promise<FaultRow> {
  await using stage = await openStage(broker);
  let worker = await stage.startWorker();
  const second = await stage.startWorker();
  const times: number[] = [];
  const ids: string[] = [];
  const perDrain = Math.ceil(scale.tasks / scale.drains);
  let lastFaultAt = performance.now();
  for (let drain = 0; drain < scale.drains; drain += 1) {
    ids.push(...(await stage.publish(perDrain, 2)));
    lastFaultAt = performance.now();
    using clock = new OwnClock();
    worker.signal('SIGTERM');
    const end = await worker.ended;
    times.push(clock.elapsedMs);
    if (end.code !== 0) throw new Error(`a drained worker ended with ${end.code ?? end.signal}:\n${worker.output()}`);
    worker = await stage.startWorker();
  }
  void second;
  times.sort((left, right) => left - right);
  const p99Ms = times[Math.min(times.length - 1, Math.ceil(times.length * 0.99) - 1)] ?? Number.NaN;
  const row = await account(stage, 'SIGTERM under load', ids, { faults: scale.drains, lastFaultAt });
  return { ...row, note: `drain p99 ${Math.round(p99Ms)} ms` };
}

/** The consumer's connection freezes without a word, while work goes on arriving. */
export async function freezeConsumer(broker: FaultBroker, scale: FaultScale): Promise<FaultRow> {
  await using stage = await openStage(broker);
  await using proxy = await startProxy(stage.port);
  await stage.startWorker({ url: proxy.url(stage.url) });
  const before = await stage.publish(200, 2);
  await until(() => stage.ledger.counts().starts.size > 20, { what: 'the worker to be at work' });
  proxy.freeze();
  const during = await stage.publish(200, 2);
  await pause(scale.freezeMs);
  proxy.thaw();
  const lastFaultAt = performance.now();
  return await account(stage, `consumer socket frozen ${scale.freezeMs / 1000} s`, [...before, ...during], { faults: 1, lastFaultAt });
}

/** A worker is stopped for longer than its claims last while another one lives, and goes on afterwards. */
export async function stopPastLease(broker: FaultBroker, scale: FaultScale): Promise<FaultRow> {
  await using stage = await openStage(broker);
  const stopped = await stage.startWorker();
  const ids = await stage.publish(400, 5);
  await until(() => stage.ledger.counts().starts.size > 20, { what: 'the worker to be at work' });
  const pids = processTree(stopped.pid);
  for (const pid of pids) trySignal(pid, 'SIGSTOP');
  const lastFaultAt = performance.now();
  await stage.startWorker();
  await pause(scale.stopMs);
  for (const pid of pids) trySignal(pid, 'SIGCONT');
  const row = await account(stage, `worker SIGSTOPped ${scale.stopMs / 1000} s`, ids, { faults: 1, lastFaultAt });
  const after = await stage.publish(100, 1);
  await stage.ledger.allEnded(after, 60_000);
  return row;
}

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // a child that has just been replaced
  }
}
