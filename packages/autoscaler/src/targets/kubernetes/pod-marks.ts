import type { Logger } from '@celeriac/brokers';
import type { ApiClient } from '../../kubernetes/api-client.ts';
import { patchPodAnnotations } from '../../kubernetes/pod-annotations.ts';
import type { SlimPod } from '../../kubernetes/slim.ts';
import { COST_BEFORE, DELETION_COST, deletionCostOf, isActive, isMarked } from './pod-facts.ts';
import type { PodPatch } from './shield.ts';

/** Lower than what anybody sets by hand or in a template. */
export const MARK = -2_000;
const LOWEST = -(2 ** 31);
/** Stray marks taken off in one turn at most. */
const STRAYS = 20;
/** Patches in the background are not begun while so many requests of all pools wait for the rate budget: they are asked for again at the next turn. */
const BACKLOG = 16;

/** Annotations of one Deployment's pods as we want them. */
export class PodMarks {
  readonly #client: ApiClient;
  readonly #logger: Logger;
  readonly #mayWrite: () => boolean;
  /** When those we stand for were marked, by uid, epoch ms. */
  readonly #marked = new Map<string, number>();
  readonly #patching = new Set<string>();
  #failedUntilMs = 0;

  constructor(options: { readonly client: ApiClient; readonly logger: Logger; readonly mayWrite: () => boolean }) {
    this.#client = options.client;
    this.#logger = options.logger;
    this.#mayWrite = options.mayWrite;
  }

  /** Makes these the first to go among those that are ready; resolves when all are written. Rejects with CELERIAC_E_KUBERNETES. */
  async mark(nowMs: number, victims: readonly SlimPod[], pods: readonly SlimPod[]): Promise<void> {
    const chosen = new Set(victims.map((pod) => pod.uid));
    const others = pods.filter((pod) => isActive(pod) && !chosen.has(pod.uid) && !this.has(pod));
    const lowest = Math.min(0, ...others.map(deletionCostOf));
    const cost = Math.max(LOWEST, Math.min(MARK, lowest + MARK));
    await Promise.all(
      victims.map(async (pod) => {
        const before = pod.annotations[COST_BEFORE] ?? pod.annotations[DELETION_COST] ?? '';
        this.#marked.set(pod.uid, nowMs);
        await this.#patch(pod, { [DELETION_COST]: String(cost), [COST_BEFORE]: before });
      }),
    );
  }

  /** Takes our marks off these; leaves what others wrote. Rejects with CELERIAC_E_KUBERNETES. */
  async unmark(pods: readonly SlimPod[]): Promise<void> {
    await Promise.all(pods.filter((pod) => this.#marked.has(pod.uid) || isMarked(pod)).map((pod) => this.#takeOff(pod)));
  }

  /** Whether it may carry our mark, seen or not. */
  has(pod: SlimPod): boolean {
    return isMarked(pod) || this.#marked.has(pod.uid);
  }

  /** The marks of these are seen. */
  shown(nowMs: number, pods: readonly SlimPod[]): void {
    for (const { uid } of pods) if (this.#marked.has(uid)) this.#marked.set(uid, nowMs);
  }

  /** When the youngest mark of these was asked for or seen, epoch ms; 0 where none was. */
  markedAtMs(pods: readonly SlimPod[]): number {
    return Math.max(0, ...pods.map((pod) => this.#marked.get(pod.uid) ?? 0));
  }

  /** Takes off marks that nobody stands for any more, as those of a stopped holder of the lease, in the background. */
  sweep(nowMs: number, pods: readonly SlimPod[]): void {
    const uids = new Set(pods.map((pod) => pod.uid));
    for (const uid of this.#marked.keys()) if (!uids.has(uid)) this.#marked.delete(uid);
    const strays = pods.filter((pod) => isActive(pod) && isMarked(pod) && !this.#marked.has(pod.uid));
    this.#inBackground(nowMs, strays.slice(0, STRAYS), (pod) => this.#takeOff(pod));
  }

  /** Carries out patches in the background; each pod has one under way at most. */
  apply(nowMs: number, patches: readonly PodPatch[]): void {
    const annotations = new Map(patches.map((patch) => [patch.pod.uid, patch.annotations]));
    this.#inBackground(
      nowMs,
      patches.map(({ pod }) => pod),
      (pod) => this.#patch(pod, annotations.get(pod.uid) ?? {}),
    );
  }

  async #takeOff(pod: SlimPod): Promise<void> {
    // Seen without the mark it still shows what stood there. Where this fails, it is a stray from here on.
    const before = pod.annotations[COST_BEFORE] ?? pod.annotations[DELETION_COST] ?? '';
    this.#marked.delete(pod.uid);
    await this.#patch(pod, { [DELETION_COST]: before === '' ? null : before, [COST_BEFORE]: null });
  }

  #inBackground(nowMs: number, pods: readonly SlimPod[], change: (pod: SlimPod) => Promise<void>): void {
    if (nowMs < this.#failedUntilMs) return;
    for (const pod of pods) {
      if (this.#client.waiting >= BACKLOG) return;
      if (this.#patching.has(pod.uid)) continue;
      this.#patching.add(pod.uid);
      change(pod)
        .catch((error: unknown) => {
          this.#failedUntilMs = nowMs + 60_000;
          this.#logger.warn({ err: error, pod: pod.name }, 'a pod could not be annotated, trying again in a minute');
        })
        .finally(() => this.#patching.delete(pod.uid));
    }
  }

  async #patch(pod: SlimPod, annotations: Readonly<Record<string, string | null>>): Promise<void> {
    const { namespace, name, uid } = pod;
    await patchPodAnnotations(this.#client, { namespace, name, uid, annotations, mayWrite: this.#mayWrite });
  }
}
