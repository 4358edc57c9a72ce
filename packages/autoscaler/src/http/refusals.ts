import type { ServerResponse } from 'node:http';
import type { Autoscaler } from '../autoscaler.ts';
import { nearestName } from '../config/nearest-name.ts';
import { sendJson } from './answer.ts';

/** 404: there is no such pool; the nearest name is named. */
export function sendNoPool(response: ServerResponse, autoscaler: Autoscaler, pool: string): void {
  const pools = autoscaler.poolNames;
  const near = nearestName(pool, pools);
  sendJson(response, 404, {
    error: `no pool ${pool}; ${near === undefined ? `there are ${pools.join(', ')}` : `did you mean ${near}?`}`,
    pools,
  });
}

/** 409: another one holds the lease; it is named. */
export function sendStandby(response: ServerResponse, autoscaler: Autoscaler): void {
  sendJson(response, 409, { error: standbyText(autoscaler), holder: autoscaler.lease.holder });
}

/** That we do not hold the lease, and who does. */
export function standbyText({ lease: { holder } }: Autoscaler): string {
  const who = holder === null ? 'nobody holds it at the moment' : `${holder} holds it: ask that one`;
  return `this autoscaler does not hold the lease; ${who}`;
}
