/** What the Horizontal Pod Autoscaler remembers. */
export interface HpaState {
  /** Wishes of the stabilisation window, newest last. */
  readonly wishes: readonly { readonly atMs: number; readonly replicas: number }[];
  /** Replicas it added lately, for the limit of a period. */
  readonly added: readonly { readonly atMs: number; readonly count: number }[];
}

export const noHpaState: HpaState = { wishes: [], added: [] };

/** One of its evaluations. */
export interface HpaInput {
  /** Each metric's total and its target for each replica (type AverageValue). */
  readonly metrics: readonly { readonly total: number; readonly target: number }[];
  readonly replicas: number;
  readonly min: number;
  readonly max: number;
  /** A shrink goes no lower than the highest wish of this window, ms. */
  readonly stabilisationMs: number;
}

const TOLERANCE = 0.1;
/** Scale-up: the larger of 4 pods and 100 % in this period, ms. */
const PERIOD_MS = 15_000;
const PODS = 4;

/**
 * One evaluation of Kubernetes' HPA with its default behaviour. Pure.
 * Source: kubernetes pkg/controller/podautoscaler/{horizontal,replica_calculator}.go and pkg/apis/autoscaling/v2/defaults.go.
 */
export function evaluateHpa(nowMs: number, input: HpaInput, state: HpaState): { readonly replicas: number; readonly state: HpaState } {
  const { replicas, min, max } = input;
  const wish = Math.max(
    ...input.metrics.map(({ total, target }) => {
      const ratio = total / (target * replicas);
      return Math.abs(1 - ratio) <= TOLERANCE ? replicas : Math.ceil(total / target);
    }),
  );
  const wishes = [...state.wishes.filter(({ atMs }) => atMs > nowMs - input.stabilisationMs), { atMs: nowMs, replicas: wish }];
  const added = state.added.filter(({ atMs }) => atMs > nowMs - PERIOD_MS);
  const stable = wish >= replicas ? wish : Math.min(replicas, Math.max(...wishes.map((past) => past.replicas)));
  const before = replicas - added.reduce((sum, { count }) => sum + count, 0);
  const most = Math.max(replicas, before + PODS, before * 2);
  const next = Math.max(min, Math.min(max, stable, most));
  return { replicas: next, state: { wishes, added: next > replicas ? [...added, { atMs: nowMs, count: next - replicas }] : added } };
}
