// What the tests on a real cluster measure on their way, written to the output for bench/RESULTS.md.

import type { Release } from './release.ts';

export interface ColdStart {
  /** From the first publish on, ms. */
  readonly replicasWrittenMs: number | undefined;
  readonly firstPodCreatedMs: number | undefined;
  readonly firstTaskStartedMs: number | undefined;
  readonly allPodsReadyMs: number | undefined;
  readonly replicas: number;
  /** From the pod's creation to its container's start, and from there to Ready, as kubectl told of them: median over the pods, ms. */
  readonly createdToStartedMs: number | undefined;
  readonly startedToReadyMs: number | undefined;
}

/** How a pool came up from zero for what was published then. */
export function coldStart(release: Release, pool: string, queue: string, publishedAtMs: number): ColdStart {
  const since = (atMs: number | undefined): number | undefined => (atMs === undefined ? undefined : atMs - publishedAtMs);
  const grown = release.replicas.changes(pool).filter(({ atMs, replicas }) => atMs >= publishedAtMs && replicas > 0);
  const pods = release.pods.pods(pool).filter(({ createdAtMs }) => createdAtMs >= publishedAtMs);
  const started = release.ledger.notes.find(
    ({ id, event, atMs }) => event === 'start' && id.startsWith(`${queue}-`) && atMs >= publishedAtMs,
  );
  const readyAtMs = pods.flatMap((pod) => (pod.readyAtMs === undefined ? [] : [pod.readyAtMs]));
  return {
    replicasWrittenMs: since(grown[0]?.atMs),
    firstPodCreatedMs: since(pods[0]?.createdAtMs),
    firstTaskStartedMs: since(started?.atMs),
    allPodsReadyMs: since(readyAtMs.length === 0 ? undefined : Math.max(...readyAtMs)),
    replicas: Math.max(0, ...grown.map(({ replicas }) => replicas)),
    createdToStartedMs: median(pods.map((pod) => between(pod.createdAtMs, pod.startedAtMs))),
    startedToReadyMs: median(pods.map((pod) => between(pod.startedAtMs, pod.readyAtMs))),
  };
}

export function note(what: string, figures: object): void {
  console.log(`measured: ${what}: ${JSON.stringify(figures)}`);
}

function between(from: number | undefined, to: number | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : to - from;
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).toSorted((a, b) => a - b);
  return known[known.length >> 1];
}
