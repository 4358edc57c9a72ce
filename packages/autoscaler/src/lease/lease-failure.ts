import { CeleriacError } from '@celeriac/protocol';
import { kubeFailure } from '../kubernetes/failure.ts';

/** What the Role of an autoscaler must allow for its Lease. */
const RULE = 'apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get", "create", "update"]';

/** What goes on in a call that failed. */
export interface LeaseCall {
  readonly verb: 'get' | 'create' | 'update';
  readonly namespace: string;
  readonly name: string;
}

/** The failure in words of the lease; `hopeless`: no waiting mends it. */
export function leaseFailure(
  error: unknown,
  { verb, namespace, name }: LeaseCall,
): { readonly error: CeleriacError; readonly hopeless: boolean } {
  const what = `cannot ${verb} the lease ${namespace}/${name}`;
  const failure = kubeFailure(error);
  const text = error instanceof Error ? error.message : String(error);
  switch (failure?.status) {
    case 401:
      return { hopeless: true, error: made(`${what}: the credentials are not accepted: ${text}`, error) };
    case 403:
      return {
        hopeless: true,
        error: made(`${what}: the verb "${verb}" is not allowed; the Role in ${namespace} needs { ${RULE} }: ${text}`, error),
      };
    case 404:
      return { hopeless: true, error: made(`${what}: is there a namespace ${namespace}? ${text}`, error) };
    case 400:
    case 422:
      return { hopeless: true, error: made(`${what}: ${text}`, error) };
    default:
      return { hopeless: false, error: made(`${what}: ${text}`, error) };
  }
}

const made = (message: string, cause: unknown): CeleriacError => new CeleriacError('CELERIAC_E_LEASE', message, { cause });
