// What must hold at the end of every scenario, told by what stands outside the autoscaler: the kubelet, the ledger and the API server.

import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { ContainerRecord } from '../kubelet/container-run.ts';
import type { AutoscalerProcess, Fleet } from './fleet-rig.ts';
import { said } from './fleet-rig.ts';

/** The parts of a fleet that tell it. */
export type WatchedFleet = Pick<Fleet, 'autoscalers' | 'history' | 'kubelet' | 'ledger'>;

interface Run {
  readonly id: string;
  readonly pod: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** Every run of a task in the ledger, by the pod that ran it; one that has not ended goes on for ever. */
export function runsOf(fleet: Pick<Fleet, 'ledger'>): readonly Run[] {
  const open = new Map<string, Run>();
  const closed: Run[] = [];
  for (const line of readFileSync(fleet.ledger.path, 'utf8').split('\n').slice(0, -1)) {
    const [event, id = '', , atMs = '', pod = ''] = line.split(' ');
    const key = `${id} ${pod}`;
    if (event === 'start') open.set(key, { id, pod, startMs: Number(atMs), endMs: Number.POSITIVE_INFINITY });
    const run = open.get(key);
    if (event !== 'end' || run === undefined) continue;
    open.delete(key);
    closed.push({ ...run, endMs: Number(atMs) });
  }
  return [...closed, ...open.values()];
}

/** Pods in which a task ran at that moment. */
export function busyAt(runs: readonly Run[], atMs: number): number {
  return new Set(runs.filter(({ startMs, endMs }) => startMs <= atMs && atMs < endMs).map(({ pod }) => pod)).size;
}

/** Whether a container ended otherwise than well. One told to go before it had come up ends by the signal, to which nothing listens yet. */
export function endedBadly({ endedAtMs, exitCode, output }: ContainerRecord): boolean {
  if (endedAtMs === undefined || exitCode === 0) return false;
  return exitCode !== 143 || /\bready\b/.test(output());
}

/**
 * No pod was told to go while a task ran in it, none was killed, none ended badly, and `spec.replicas` was never set below the number of
 * pods at work; every task ran to its end, and once, but for those that `mayRepeat`.
 */
export function expectSafe(fleet: WatchedFleet, deployment: string, ids: readonly string[], mayRepeat: readonly string[] = []): void {
  const runs = runsOf(fleet).filter(({ pod }) => pod.startsWith(`${deployment}-`));
  const told = fleet.kubelet.records.filter((record) => record.termAtMs !== undefined);
  const atWork = told.filter(({ pod, termAtMs = 0 }) =>
    runs.some((run) => run.pod === pod && run.startMs < termAtMs && termAtMs < run.endMs),
  );
  const tooLow = fleet.history(deployment).filter(({ replicas, atMs }, index, all) => {
    const before = all[index - 1]?.replicas ?? 0;
    return replicas < before && busyAt(runs, atMs) > replicas;
  });
  const seen = {
    atWork,
    tooLow,
    killed: fleet.kubelet.records.filter((record) => record.killed),
    failed: told.filter(endedBadly),
    lost: fleet.ledger.lost(ids),
    twice: fleet.ledger.duplicated().filter((id) => !mayRepeat.includes(id)),
  };
  const safe = { atWork: [], tooLow: [], killed: [], failed: [], lost: [], twice: [] };
  expect(seen, `${JSON.stringify(fleet.history(deployment))}\n${said(fleet.autoscalers)}`).toEqual(safe);
  // The check above must have been able to see something: the ledger's pods are the kubelet's.
  const pods = new Set(fleet.kubelet.records.map(({ pod }) => pod));
  expect(runs.filter(({ pod }) => !pods.has(pod))).toEqual([]);
}

/** `ok`, `standby`, `signals missing`, or what went wrong with asking. */
export async function readiness({ server }: AutoscalerProcess): Promise<string> {
  try {
    const answer = await fetch(`${server}/readyz`, { signal: AbortSignal.timeout(5_000) });
    return (await answer.text()).trim();
  } catch (error) {
    return (error as Error).message;
  }
}

/** The one that leads now; undefined while none does. */
export async function leading(autoscalers: readonly AutoscalerProcess[]): Promise<AutoscalerProcess | undefined> {
  for (const autoscaler of autoscalers) {
    const answer = await readiness(autoscaler);
    if (answer === 'ok' || answer === 'signals missing') return autoscaler;
  }
  return undefined;
}
