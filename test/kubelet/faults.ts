// What a test lets go wrong, for the pods it names, until it lets go.

import { matches, type Pod, type PodMatch } from './pod.ts';

export type WaitingReason =
  | 'ImagePullBackOff'
  | 'ErrImagePull'
  | 'InvalidImageName'
  | 'CreateContainerConfigError'
  | 'CreateContainerError';

export type FaultKind =
  | { readonly kind: 'pending'; readonly message: string }
  | { readonly kind: 'waiting'; readonly reason: WaitingReason; readonly message: string }
  | { readonly kind: 'silent' }
  | { readonly kind: 'stuck' }
  | { readonly kind: 'ready'; readonly ready: boolean };

/** A fault that goes on until it is released; then the pods it held go on by themselves. */
export interface Fault {
  release(): void;
  [Symbol.dispose](): void;
}

export interface FaultBook {
  add(fault: FaultKind, match: PodMatch): Fault;
  /** The latest fault of this kind for the pod. */
  find<K extends FaultKind['kind']>(kind: K, pod: Pod): Extract<FaultKind, { kind: K }> | undefined;
}

/** Calls `onChange` whenever a fault begins or ends. */
export function createFaultBook(onChange: () => void): FaultBook {
  const active = new Set<{ readonly fault: FaultKind; readonly match: PodMatch }>();
  return {
    add: (fault, match) => {
      const entry = { fault, match };
      active.add(entry);
      onChange();
      const release = (): void => {
        if (active.delete(entry)) onChange();
      };
      return { release, [Symbol.dispose]: release };
    },
    find: (kind, pod) => {
      const found = [...active].findLast((entry) => entry.fault.kind === kind && matches(pod, entry.match));
      return found?.fault as Extract<FaultKind, { kind: typeof kind }> | undefined;
    },
  };
}
