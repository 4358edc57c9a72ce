import { CeleriacError } from '@celeriac/protocol';

/** Why a Deployment was not written to: to be decided anew from what is seen then. */
export function refused(namespace: string, name: string, why: string): CeleriacError {
  return new CeleriacError('CELERIAC_E_KUBERNETES', `Deployment ${namespace}/${name}: ${why}`, { data: { reason: 'Refused' } });
}
