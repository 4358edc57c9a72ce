import { CeleriacError } from '../errors/celeriac-error.ts';
import type { PoolRouter, PoolShortage } from './pool-router.ts';
import { type Route, type RouteOptions, type RoutingConfig, routeTask, statedRoute } from './route-task.ts';
import { type ReadNeeds, readNeeds, type TaskNeeds } from './task-needs.ts';

/** Where a task goes; or why it must not be published. */
export type Placement = { readonly kind: 'route'; readonly route: Route } | { readonly kind: 'refused'; readonly error: CeleriacError };

/** More pools than this are counted in a message instead of listed; all of them are in the error's data. */
const MOST_LISTED = 30;

/**
 * Decides where a task with needs goes. A queue that the caller or a route states wins, and is refused where its pool lacks what the task needs; a
 * queue of no pool, or an exchange, is not judged. Else the smallest pool that fits, by its first queue. Without needs as {@link routeTask}. Pure.
 * Refusals: CELERIAC_E_NO_POOL_FITS with `data: { task, needs, pools: { pool, short }[] }`; CELERIAC_E_ARGUMENTS for needs that cannot be read.
 */
export function placeTask(name: string, options: RouteOptions, needs: TaskNeeds, config: RoutingConfig, router: PoolRouter): Placement {
  const read = readNeeds(needs);
  if (read.kind === 'faulty') {
    const text = `${name} was not sent: resources: ${read.faults.join('; ')}`;
    return { kind: 'refused', error: new CeleriacError('CELERIAC_E_ARGUMENTS', text, { data: { task: name, faults: read.faults } }) };
  }
  if (read.needs.text === '') return { kind: 'route', route: routeTask(name, options, config) };
  const stated = statedRoute(name, options, config);
  if (stated.exchange !== undefined) return { kind: 'route', route: routeTask(name, options, config) };
  if (stated.queue !== undefined) return onStatedQueue(name, options, read.needs, config, router);
  const fit = router.fit(read.needs);
  if (fit.kind === 'fits') return { kind: 'route', route: routeTask(name, { ...stated, queue: fit.queue }, config) };
  if (fit.pools.length === 0) return refused(name, read.needs, [], `there is no such pool; there are ${router.order.join(', ')}`);
  return refused(name, read.needs, fit.pools, `no pool has that: ${listText(fit.pools)}. Ask for less, or give a pool what is short`);
}

function onStatedQueue(name: string, options: RouteOptions, needs: ReadNeeds, config: RoutingConfig, router: PoolRouter): Placement {
  const route = routeTask(name, options, config);
  const pool = router.poolOf(route.queue);
  const short = [
    ...(needs.pool !== null && needs.pool !== pool ? [`it is not pool ${needs.pool}`] : []),
    ...(pool === undefined ? [] : (router.shortages(pool, needs) ?? [])),
  ];
  if (short.length === 0) return { kind: 'route', route };
  const owner = pool === undefined ? 'no pool' : `pool ${pool}`;
  const why = `its queue was stated: ${route.queue}, of ${owner}: ${short.join(', ')}. Without a queue it goes to the smallest pool that fits`;
  return refused(name, needs, pool === undefined ? [] : [{ pool, short }], why);
}

function listText(pools: readonly PoolShortage[]): string {
  const listed = pools.slice(0, MOST_LISTED).map(({ pool, short }) => `${pool}: ${short.join(', ')}`);
  return [...listed, ...(pools.length > MOST_LISTED ? [`and ${pools.length - MOST_LISTED} more`] : [])].join('; ');
}

function refused(name: string, needs: ReadNeeds, pools: readonly PoolShortage[], why: string): Placement {
  const text = `${name} was not sent: it needs ${needs.text}, and ${why}.`;
  return {
    kind: 'refused',
    error: new CeleriacError('CELERIAC_E_NO_POOL_FITS', text, { data: { task: name, needs: needs.text, pools } }),
  };
}
