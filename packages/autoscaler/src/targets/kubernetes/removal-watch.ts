import type { SlimPod } from '../../kubernetes/slim.ts';
import { isActive, isMarked, runsNothing } from './pod-facts.ts';

/** A shrink, until the controller has chosen. */
interface Expected {
  /** Uids of those meant, and of the others in which something ran then. */
  readonly meant: ReadonlySet<string>;
  readonly others: ReadonlyMap<string, string>;
  written: boolean;
}

/** Uids of pods taken by us that are kept, so that the end of one is known for what it was. */
const KEPT = 10_000;

/** Sees to it that a shrink takes the pods it was meant to take. */
export class RemovalWatch {
  #expected: readonly Expected[] = [];
  readonly #removed = new Set<string>();

  /** A shrink by these is about to be written: say whether it was. */
  expect(meant: readonly SlimPod[], pods: readonly SlimPod[]): { written(): void; failed(): void } {
    const uids = new Set(meant.map((pod) => pod.uid));
    for (const uid of uids) this.#removed.add(uid);
    for (const oldest of this.#removed) {
      if (this.#removed.size <= KEPT) break;
      this.#removed.delete(oldest);
    }
    const others = pods.filter((pod) => isActive(pod) && !uids.has(pod.uid) && !runsNothing(pod));
    const expected: Expected = { meant: uids, others: new Map(others.map((pod) => [pod.uid, pod.name])), written: false };
    if (uids.size > 0) this.#expected = [...this.#expected, expected];
    return {
      written: () => {
        expected.written = true;
      },
      failed: () => {
        this.#expected = this.#expected.filter((one) => one !== expected);
        for (const uid of uids) this.#removed.delete(uid);
      },
    };
  }

  /** Whether we took it. */
  took(uid: string): boolean {
    return this.#removed.has(uid);
  }

  /**
   * Pods that are to go as soon as the controller comes to it, by uid: as many as there are too many of those that a shrink of ours
   * meant, or one of whoever held the lease before us, whose marks they carry.
   */
  going(pods: readonly SlimPod[], wanted: number): ReadonlySet<string> {
    const active = pods.filter(isActive);
    const meant = active.filter(
      (pod) => isMarked(pod) || this.#expected.some((expected) => expected.written && expected.meant.has(pod.uid)),
    );
    return new Set(meant.slice(0, Math.max(0, active.length - wanted)).map((pod) => pod.uid));
  }

  /**
   * Names of pods that went in place of some that were meant and stayed; each told once. While there are more than wanted, the controller
   * has not chosen yet, however long that takes it.
   */
  check(pods: readonly SlimPod[], wanted: number): readonly string[] {
    const there = new Set(pods.filter(isActive).map((pod) => pod.uid));
    const wrong: string[] = [];
    this.#expected = this.#expected.filter(({ meant, others, written }) => {
      const staying = [...meant].filter((uid) => there.has(uid)).length;
      if (!written || (staying > 0 && there.size > wanted)) return true;
      const gone = [...others].flatMap(([uid, name]) => (there.has(uid) ? [] : [name]));
      wrong.push(...gone.slice(0, staying));
      return false;
    });
    return wrong;
  }
}
