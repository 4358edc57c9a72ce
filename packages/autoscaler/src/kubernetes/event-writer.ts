import type { Logger } from '@celeriac/brokers';
import { type ApiClient, pathOf } from './api-client.ts';

/** Something worth an Event on a Deployment. */
export interface DeploymentEvent {
  readonly deployment: { readonly namespace: string; readonly name: string; readonly uid: string };
  readonly type: 'Normal' | 'Warning';
  /** A word in UpperCamelCase. */
  readonly reason: string;
  readonly message: string;
  /** Asked at the last moment, see ApiRequest. */
  readonly mayWrite?: () => boolean;
}

/** Writes Events on Deployments. */
export interface EventWriter {
  /** False when it was held back, since the same has just been said of this object, or could not be written; never rejects. */
  record(event: DeploymentEvent): Promise<boolean>;
}

const SAME_EVERY_MS = 30_000;
const MOST_REMEMBERED = 10_000;
/** What the API server accepts. */
const MOST_MESSAGE = 1_024;

/** Makes a writer. `instance`: who of several autoscalers this is. `now`: epoch ms. */
export function createEventWriter(options: {
  readonly client: ApiClient;
  readonly logger: Logger;
  readonly now: () => number;
  readonly instance: string;
  /** The same reason for the same object not sooner than this, ms. Default 30,000. */
  readonly sameEveryMs?: number;
}): EventWriter {
  const { client, logger, now, instance, sameEveryMs = SAME_EVERY_MS } = options;
  const saidAtMs = new Map<string, number>();
  let count = 0;

  return {
    async record({ deployment, type, reason, message, mayWrite }) {
      const atMs = now();
      const key = `${deployment.uid} ${type} ${reason}`;
      const before = saidAtMs.get(key);
      if (before !== undefined && Math.abs(atMs - before) < sameEveryMs) return false;
      saidAtMs.delete(key);
      saidAtMs.set(key, atMs);
      for (const oldest of saidAtMs.keys()) {
        if (saidAtMs.size <= MOST_REMEMBERED) break;
        saidAtMs.delete(oldest);
      }
      count += 1;
      const { namespace, name, uid } = deployment;
      const time = new Date(atMs).toISOString();
      try {
        await client.request({
          method: 'POST',
          path: pathOf`/api/v1/namespaces/${namespace}/events`,
          priority: 'background',
          attempts: 2,
          ...(mayWrite === undefined ? {} : { mayWrite }),
          body: {
            apiVersion: 'v1',
            kind: 'Event',
            metadata: { namespace, name: eventName(name, atMs, count) },
            involvedObject: { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name, uid },
            type,
            reason,
            message: message.length > MOST_MESSAGE ? `${message.slice(0, MOST_MESSAGE - 1)}…` : message,
            source: { component: 'celeriac-autoscaler' },
            reportingComponent: 'celeriac-autoscaler',
            reportingInstance: instance.slice(0, 128),
            firstTimestamp: time,
            lastTimestamp: time,
            count: 1,
          },
        });
        return true;
      } catch (error) {
        logger.debug({ err: error, namespace, deployment: name, reason }, 'an Event could not be written');
        return false;
      }
    },
  };
}

/** As kubectl and client-go name them: the object, a dot, a number that does not come again. */
function eventName(name: string, atMs: number, count: number): string {
  return `${name.slice(0, 220)}.${Math.round(atMs).toString(16)}${(count % 4_096).toString(16).padStart(3, '0')}`;
}
