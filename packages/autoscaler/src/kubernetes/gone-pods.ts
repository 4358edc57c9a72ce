import type { SlimPod } from './slim.ts';

/** A Pod that was deleted. */
export interface GonePod {
  /** Its last state, with the exit codes as far as they were told. */
  readonly pod: SlimPod;
  readonly deploymentUid: string;
  readonly deployment: string;
  /** When its end was seen, ms of the view's clock. */
  readonly goneAtMs: number;
}

const KEPT_MS = 60_000;

/** Pods for a minute beyond their end: who counts killed tasks needs to know how their containers ended. */
export class GonePods {
  readonly #pods = new Map<string, GonePod>();

  /** False for one that is there already: a list and a watch may both tell of an end. */
  add(gone: GonePod): boolean {
    this.#forget(gone.goneAtMs);
    if (this.#pods.has(gone.pod.uid)) return false;
    this.#pods.set(gone.pod.uid, gone);
    return true;
  }

  of(deploymentUid: string, nowMs: number): readonly GonePod[] {
    this.#forget(nowMs);
    return [...this.#pods.values()].filter((gone) => gone.deploymentUid === deploymentUid);
  }

  /** In the order of their ends, so that the first one that is young enough ends it. */
  #forget(nowMs: number): void {
    for (const [uid, { goneAtMs }] of this.#pods) {
      if (nowMs - goneAtMs < KEPT_MS) return;
      this.#pods.delete(uid);
    }
  }
}
