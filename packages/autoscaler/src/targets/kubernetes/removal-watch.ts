import type { SlimPod } from '../../kubernetes/slim.ts';
import { isActive, runsNothing } from './pod-facts.ts';

/** A shrink that was written, until the pods it meant have been told to go. */
interface Expected {
  readonly atMs: number;
  /** Uids of those meant, and of the others in which something ran then. */
  readonly meant: ReadonlySet<string>;
  readonly others: ReadonlyMap<string, string>;
}

/** Pods that are not told to go within this time will not be any more, ms. */
const CONFIRM_MS = 30_000;
/** Uids of pods taken by us that are kept, so that the end of one is known for what it was. */
const KEPT = 10_000;

/** Sees to it that a shrink takes the pods it was meant to take. */
export class RemovalWatch {
  #expected: readonly Expected[] = [];
  readonly #removed = new Set<string>();

  /** A shrink by these is being written; the answer takes it back where it was not. */
  expect(nowMs: number, meant: readonly SlimPod[], pods: readonly SlimPod[]): () => void {
    const uids = new Set(meant.map((pod) => pod.uid));
    for (const uid of uids) this.#removed.add(uid);
    for (const oldest of this.#removed) {
      if (this.#removed.size <= KEPT) break;
      this.#removed.delete(oldest);
    }
    const others = pods.filter((pod) => isActive(pod) && !uids.has(pod.uid) && !runsNothing(pod));
    const expected = { atMs: nowMs, meant: uids, others: new Map(others.map((pod) => [pod.uid, pod.name])) };
    if (uids.size > 0) this.#expected = [...this.#expected, expected];
    return () => {
      this.#expected = this.#expected.filter((one) => one !== expected);
      for (const uid of uids) this.#removed.delete(uid);
    };
  }

  /** Whether we took it. */
  took(uid: string): boolean {
    return this.#removed.has(uid);
  }

  /** Names of pods that went in place of some that were meant and stayed; each told once. */
  check(nowMs: number, pods: readonly SlimPod[]): readonly string[] {
    const there = new Map(pods.filter(isActive).map((pod) => [pod.uid, pod]));
    const wrong: string[] = [];
    this.#expected = this.#expected.filter(({ atMs, meant, others }) => {
      const staying = [...meant].filter((uid) => there.has(uid));
      if (staying.length === 0) return false;
      if (nowMs - atMs < CONFIRM_MS) return true;
      // An eviction may have come between: it counts only where the number of those meant did not go.
      wrong.push(
        ...[...others]
          .filter(([uid]) => !there.has(uid))
          .map(([, name]) => name)
          .slice(0, staying.length),
      );
      return false;
    });
    return wrong;
  }
}
