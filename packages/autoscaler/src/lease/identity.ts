import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

/** A name for one life of one process, as client-go's leaderelection examples make it: the host's (in a pod, the pod's) and a UUID. */
export function leaseIdentity(): string {
  return `${hostname()}_${randomUUID()}`;
}
