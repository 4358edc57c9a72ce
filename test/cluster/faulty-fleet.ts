// A fleet whose autoscaler reaches the API server through a proxy that lets requests and watches fail.

import { type ApiProxy, type SeenRequest, startApiProxy } from '../kubernetes/api-proxy.ts';
import { sharedControlPlane } from '../kubernetes/control-plane.ts';
import { metric } from './fleet-checks.ts';
import { type AutoscalerProcess, type Fleet, STEADY_LEASE, startFleet } from './fleet-rig.ts';

const scaling = '{ min: 0, max: 3, goal: { queueWait: 2s, expectedTaskTime: 1s, expectedStartTime: 3s }, idleToZero: 3s, downDelay: 1s }';

/** A fleet of one pool `load` with one autoscaler, which speaks through the proxy. */
export interface Faulty extends AsyncDisposable {
  readonly proxy: ApiProxy;
  readonly fleet: Fleet;
  readonly autoscaler: AutoscalerProcess;
}

export async function startFaulty(): Promise<Faulty> {
  await using stack = new AsyncDisposableStack();
  const cluster = await sharedControlPlane();
  const proxy = stack.use(await startApiProxy(cluster));
  const fleet = stack.use(
    await startFleet({ broker: 'redis', cluster, config: STEADY_LEASE, autoscalers: 0, pools: [{ name: 'load', slots: 1, scaling }] }),
  );
  const autoscaler = await fleet.startAutoscaler({ kubeconfig: proxy.through(fleet.kubeconfig) });
  const kept = stack.move();
  return { proxy, fleet, autoscaler, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

export const isScale = ({ method, path }: SeenRequest): boolean => method === 'PATCH' && path.includes('/deployments/load/scale');
export const isLease = ({ method, path }: SeenRequest): boolean => method === 'PUT' && path.includes('/leases/');
export const isMark = ({ method, path }: SeenRequest): boolean => method === 'PATCH' && path.includes('/pods/');
export const isEvent = ({ method, path }: SeenRequest): boolean => method === 'POST' && path.includes('/events');
export const isList = ({ method, path, isWatch }: SeenRequest): boolean =>
  method === 'GET' && !isWatch && /\/(pods|deployments|replicasets)\?/.test(path);
export const replicasIn = ({ body }: SeenRequest): number | undefined =>
  (JSON.parse(body) as { readonly spec?: { readonly replicas?: number } }).spec?.replicas;

export const signalAgeS = async (autoscaler: AutoscalerProcess): Promise<number> =>
  metric(await autoscaler.metrics(), 'signal_age_seconds', { pool: 'load', source: 'kubernetes' }) ?? 0;

/** Some tasks from their publication to their end. */
export async function work(fleet: Fleet, count: number, ms = 800): Promise<readonly string[]> {
  const ids = await fleet.publish('load', count, ms);
  await fleet.ledger.allEnded(ids, 90_000);
  return ids;
}
