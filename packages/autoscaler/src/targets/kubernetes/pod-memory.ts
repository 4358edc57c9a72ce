import type { SlimPod } from '../../kubernetes/slim.ts';
import type { TargetWork } from '../target.ts';
import { livesAfter, type PodLife, type ReplicasInput } from './replicas-of.ts';

/** What is remembered of a Deployment's pods from one look to the next, by uid. Pods that are gone are forgotten. */
export class PodMemory {
  #lives: ReadonlyMap<string, PodLife> = new Map();
  readonly #heardAtMs = new Map<string, number>();
  readonly #busyAtMs = new Map<string, number>();
  readonly #tasks = new Map<string, number>();
  #lookedAtMs: number | null = null;

  get lives(): ReadonlyMap<string, PodLife> {
    return this.#lives;
  }

  /** When its worker was last known to be up, epoch ms. */
  get heardAtMs(): ReadonlyMap<string, number> {
    return this.#heardAtMs;
  }

  /** When it last held work, or that could not be ruled out, epoch ms. */
  get busyAtMs(): ReadonlyMap<string, number> {
    return this.#busyAtMs;
  }

  /** Tasks that ran in it when it was last heard of. */
  tasksOf(uid: string): number {
    return this.#tasks.get(uid) ?? 0;
  }

  /** Takes in the pods there are; resolves to those whose containers were restarted in place since the last look. */
  look(input: Omit<ReplicasInput, 'lives'>): readonly SlimPod[] {
    const before = this.#lives;
    this.#lives = livesAfter(before, input, this.#lookedAtMs);
    this.#lookedAtMs = input.nowMs;
    for (const known of [this.#heardAtMs, this.#busyAtMs]) for (const uid of known.keys()) if (!this.#lives.has(uid)) known.delete(uid);
    return input.pods.filter((pod) => {
      const life = before.get(pod.uid);
      return life !== undefined && life.restarts !== this.#lives.get(pod.uid)?.restarts;
    });
  }

  /** Takes in what the workers do. */
  observe(nowMs: number, pods: readonly SlimPod[], work: TargetWork): void {
    for (const { uid, name } of pods) {
      if (work.up.has(name)) this.#heardAtMs.set(uid, nowMs);
      // One not seen before counts as idle since a moment ago, so that a shield left on it comes down in time.
      if (work.busy.has(name)) this.#busyAtMs.set(uid, nowMs);
      else if (!this.#busyAtMs.has(uid)) this.#busyAtMs.set(uid, nowMs - 1);
      const tasks = work.active.get(name);
      if (tasks !== undefined) this.#tasks.set(uid, tasks);
    }
  }

  /** A new life of it begins without tasks, a pod that is gone has none. */
  forgetTasks(uid: string): void {
    this.#tasks.delete(uid);
  }
}
