import type { ReplicasOwner, SlimDeployment } from '../../kubernetes/slim.ts';

/** Something that scales a Deployment by itself. */
export interface Rival {
  /** `HorizontalPodAutoscaler` or `ScaledObject`. */
  readonly kind: string;
  readonly name: string;
  /** The Deployment it scales. */
  readonly deployment: string;
}

/** What is remembered of who wrote `spec.replicas`. Plain data. */
export interface WritersState {
  /** The number we wrote last and when, epoch ms; null before. */
  readonly ours: { readonly replicas: number; readonly atMs: number } | null;
  /** When somebody else changed a number of ours, by manager, epoch ms. */
  readonly changes: Readonly<Record<string, readonly number[]>>;
}

export const nobodyWrote: WritersState = { ours: null, changes: {} };

/** Twice within this time is no accident, ms. */
const FEUD_MS = 600_000;

/** A zero written by `/scale` leaves no name in managedFields: the field is left out of a Scale where it is 0. */
const SOMEBODY = 'somebody (a zero leaves no name)';

/** Controllers that write a number again whenever it is not theirs, by the name they go by in managedFields. */
const GITOPS: readonly (readonly [prefix: string, name: string])[] = [
  ['argocd', 'Argo CD'],
  ['kustomize-controller', 'Flux (kustomize-controller)'],
  ['helm-controller', 'Flux (helm-controller)'],
  ['fleetagent', 'Fleet'],
  ['pulumi-kubernetes-operator', 'the Pulumi operator'],
];
/** Autoscalers write by `/scale`; the horizontal one runs in the controller manager. */
const SCALERS: readonly (readonly [manager: string, name: string])[] = [
  ['kube-controller-manager', 'a HorizontalPodAutoscaler'],
  ['keda-operator', 'KEDA'],
  ['keda', 'KEDA'],
];

/** What is remembered after a look at the Deployment that shows our last write, or a later one. Pure. */
export function writersAfter(nowMs: number, state: WritersState, deployment: SlimDeployment): WritersState {
  const { ours } = state;
  const changes = Object.fromEntries(
    Object.entries(state.changes).flatMap(([manager, atMs]) => {
      const kept = atMs.filter((at) => nowMs - at < FEUD_MS);
      return kept.length === 0 ? [] : [[manager, kept] as const];
    }),
  );
  const owner = lastOwner(deployment);
  if (ours === null || deployment.replicas === ours.replicas || (owner !== undefined && isUs(owner.manager))) return { ours, changes };
  const manager = owner?.manager ?? SOMEBODY;
  // Adopted: the next number of ours is the one to be changed again.
  return { ours: null, changes: { ...changes, [manager]: [...(changes[manager] ?? []), nowMs] } };
}

/**
 * Who else writes a Deployment's `spec.replicas` and would undo what we write, for people; null for nobody. One `kubectl scale` or
 * `kubectl apply` is no such writer: its number is gone on from. Pure.
 * @param rivals those that could be listed, null where listing them is not allowed, so that only managedFields tell; undefined before
 *   they were asked for
 */
export function otherWriter(
  nowMs: number,
  state: WritersState,
  deployment: SlimDeployment,
  rivals: { readonly horizontalPodAutoscalers: readonly Rival[] | null; readonly scaledObjects: readonly Rival[] | null } | undefined,
): string | null {
  if (rivals === undefined) return 'whether another autoscaler scales this Deployment has not been found out yet';
  const { horizontalPodAutoscalers, scaledObjects } = rivals;
  const listed = [...(scaledObjects ?? []), ...(horizontalPodAutoscalers ?? [])].find((rival) => rival.deployment === deployment.name);
  if (listed !== undefined) return `${listed.kind} ${listed.name} scales this Deployment too`;
  for (const { manager, operation, subresource } of deployment.replicasOwners) {
    const gitops = GITOPS.find(([prefix]) => manager.startsWith(prefix));
    if (gitops !== undefined && (operation === 'Apply' || subresource === null)) {
      return `${gitops[1]} writes spec.replicas (field manager ${manager}): take replicas out of what it applies`;
    }
    const unlisted = manager === 'kube-controller-manager' ? horizontalPodAutoscalers === null : scaledObjects === null;
    const scaler = SCALERS.find(([name]) => name === manager);
    if (scaler !== undefined && subresource === 'scale' && unlisted) {
      return `${scaler[1]} scales this Deployment too (field manager ${manager}; which one cannot be listed)`;
    }
  }
  const feud = Object.entries(state.changes).find(([, atMs]) => atMs.filter((at) => nowMs - at < FEUD_MS).length >= 2);
  return feud === undefined ? null : `${feud[0]} changed spec.replicas ${feud[1].length} times within ten minutes after we had set it`;
}

/** When an autoscaler wrote the Deployment's number, epoch ms; null where none owns it. Pure. */
export function scaledAtMs({ replicasOwners }: SlimDeployment): number | null {
  const owner = replicasOwners.find(({ manager, subresource }) => subresource === 'scale' && SCALERS.some(([name]) => name === manager));
  return owner === undefined ? null : (owner.atMs ?? 0);
}

/** We write by one name, and by others that begin with it to fence a Deployment off from an earlier holder of the lease. */
function isUs(manager: string): boolean {
  return manager === 'celeriac' || manager.startsWith('celeriac-fence-');
}

function lastOwner({ replicasOwners }: SlimDeployment): ReplicasOwner | undefined {
  return replicasOwners.toSorted((a, b) => (b.atMs ?? 0) - (a.atMs ?? 0))[0];
}
