// Contenders for a Lease on a real API server: in the test's own process, or each in one that can be stopped and killed.

import { resolve } from 'node:path';
import type { Logger } from '@celeriac/brokers';
import { createApiClient } from '../../packages/autoscaler/src/kubernetes/api-client.ts';
import { loadCredentials } from '../../packages/autoscaler/src/kubernetes/credentials.ts';
import type { LeaseTimings } from '../../packages/autoscaler/src/lease/election.ts';
import { kubernetesLease } from '../../packages/autoscaler/src/lease/kubernetes-lease.ts';
import type { Lease } from '../../packages/autoscaler/src/lease/lease.ts';
import type { ControlPlane } from '../kubernetes/control-plane.ts';
import { type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import { type SpawnedProcess, spawnProcess } from '../spawned-process.ts';

/** Of those whose lease is not to run out, however slow the machine: looked at often all the same. */
export const calmTimings: LeaseTimings = { leaseDurationMs: 30_000, renewDeadlineMs: 20_000, retryPeriodMs: 400 };

/** Short ones, so that a test need not wait a quarter of a minute; whole seconds, as the Lease has them. */
export const shortTimings: LeaseTimings = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 400 };

export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export interface Contender extends AsyncDisposable {
  readonly lease: Lease;
  readonly log: readonly string[];
  /** `true` and `false` as they were called back. */
  readonly changes: readonly boolean[];
}

/** One in this process, started. */
export async function contender(
  plane: ControlPlane,
  namespace: string,
  options: {
    readonly identity?: string;
    readonly timings?: LeaseTimings;
    readonly now?: () => number;
    readonly kubeconfig?: string;
    readonly start?: boolean;
  } = {},
): Promise<Contender> {
  const log: string[] = [];
  const changes: boolean[] = [];
  const note = (level: string) => (fields: Readonly<Record<string, unknown>>, text: string) => {
    const error = fields['err'] instanceof Error ? ` ${fields['err'].message}` : '';
    log.push(`${level} ${text}${error} ${JSON.stringify({ ...fields, err: undefined })}`);
  };
  const logger: Logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const credentials = await loadCredentials({ kubeconfig: options.kubeconfig ?? plane.kubeconfig });
  const client = createApiClient({ credentials, logger });
  const lease = kubernetesLease({
    client,
    namespace,
    logger,
    timings: options.timings ?? calmTimings,
    ...(options.identity === undefined ? {} : { identity: options.identity }),
    ...(options.now === undefined ? {} : { now: options.now }),
  });
  lease.onChange((held) => changes.push(held));
  const close = async (): Promise<void> => {
    await lease.close();
    client.close();
  };
  try {
    if (options.start !== false) await lease.start();
  } catch (error) {
    await close();
    throw error;
  }
  return { lease, log, changes, [Symbol.asyncDispose]: close };
}

export const leasePath = (namespace: string): string => resourcePath('Lease', namespace, 'celeriac-autoscaler');

export function readLease(plane: ControlPlane, namespace: string): Promise<KubeObject<LeaseSpec>> {
  return plane.api.get<KubeObject<LeaseSpec>>(leasePath(namespace));
}

/** One in a process of its own: says `held` and `lost`, `leaves N` right before its Nth write leaves, and writes its identity into a ConfigMap named `ledger` as fast as it may. */
export function contenderProcess(plane: ControlPlane, namespace: string, timings: LeaseTimings): SpawnedProcess {
  const script = resolve(import.meta.dirname, 'lease-contender.ts');
  const env = { KUBECONFIG: plane.kubeconfig, LEASE_NAMESPACE: namespace, LEASE_TIMINGS: JSON.stringify(timings) };
  return spawnProcess(process.execPath, ['--conditions=@celeriac/source', script], { env });
}
