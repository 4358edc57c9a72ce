import { type ApiClient, pathOf } from './api-client.ts';
import { kubeError, kubeFailure } from './failure.ts';
import { countOf, fieldsOf, textOf } from './fields.ts';

/** The `/scale` subresource of a Deployment as it was read. */
export interface ScaleSeen {
  /** Of the Deployment. */
  readonly uid: string;
  /** Wanted. */
  readonly replicas: number;
  /** Those there are. */
  readonly statusReplicas: number;
  /** Of the Deployment; changes with its status as well. Opaque. */
  readonly resourceVersion: string;
}

/** How a write of `/scale` went. */
export type ScaleWrite =
  | {
      readonly kind: 'written';
      readonly resourceVersion: string;
      /** `read`: the answer was lost, and a read showed that it had been carried out. */
      readonly confirmed: 'answer' | 'read';
    }
  /** Not written: the Deployment is another one now, or its version or its replicas are no longer those the write was based on. */
  | { readonly kind: 'conflict'; readonly seen: ScaleSeen };

/** Which Deployment, and whether it may be written. */
export interface ScaleTarget {
  readonly namespace: string;
  readonly name: string;
  /** The Deployment that is meant; another one of its name is a conflict. */
  readonly uid?: string;
  /** Asked at the last moment of every attempt, see ApiRequest. */
  readonly mayWrite: () => boolean;
}

/** Reads and writes the replicas of Deployments through `/scale` and nothing else. All reject with CELERIAC_E_KUBERNETES. */
export interface ScaleWriter {
  readScale(namespace: string, name: string): Promise<ScaleSeen>;
  /** Writes `replicas` if the Deployment still has this version. A write whose outcome is unknown is read before it is repeated. */
  writeScale(target: ScaleTarget & { readonly replicas: number; readonly resourceVersion: string }): Promise<ScaleWrite>;
  /**
   * Writes `to` if the Deployment still wants `from`. Its version moves with every pod that starts or ends, so that a version from before
   * is often old while nothing that matters has changed: this reads, compares and writes with the version it has just read.
   */
  moveScale(target: ScaleTarget & { readonly from: number; readonly to: number }): Promise<ScaleWrite>;
}

/** The name of this program in `managedFields`. */
export const FIELD_MANAGER = 'celeriac';

const TIMEOUT_MS = 5_000;
const MOST_ROUNDS = 5;

/** Makes a writer on a client. */
export function createScaleWriter(client: ApiClient): ScaleWriter {
  const readScale = async (namespace: string, name: string): Promise<ScaleSeen> => {
    const path = scalePath(namespace, name);
    const answer = await client.request({ method: 'GET', path, priority: 'urgent', timeoutMs: TIMEOUT_MS });
    return scaleSeen(answer, path);
  };

  /**
   * A merge patch that names version and uid: the API server refuses it with 409 when either is another one (seen on 1.34; rest.Update of
   * pkg/registry/apps/deployment/storage).
   */
  const patch = async (target: ScaleTarget, replicas: number, resourceVersion: string): Promise<ScaleSeen | 'conflict' | 'unknown'> => {
    const path = scalePath(target.namespace, target.name);
    const metadata = target.uid === undefined ? { resourceVersion } : { resourceVersion, uid: target.uid };
    try {
      const answer = await client.request({
        method: 'PATCH',
        path,
        query: { fieldManager: FIELD_MANAGER },
        body: { metadata, spec: { replicas } },
        priority: 'urgent',
        timeoutMs: TIMEOUT_MS,
        mayWrite: target.mayWrite,
      });
      return scaleSeen(answer, path);
    } catch (error) {
      const failure = kubeFailure(error);
      if (failure?.status === 409) return 'conflict';
      if (failure?.outcomeUnknown === true) return 'unknown';
      throw error;
    }
  };

  const writeScale: ScaleWriter['writeScale'] = async (target) => {
    const { namespace, name, replicas, resourceVersion, uid } = target;
    for (let round = 1; ; round += 1) {
      const answer = await patch(target, replicas, resourceVersion);
      if (typeof answer === 'object') return { kind: 'written', resourceVersion: answer.resourceVersion, confirmed: 'answer' };
      const seen = await readScale(namespace, name);
      if (answer === 'conflict' || seen.resourceVersion !== resourceVersion) {
        const ours = answer === 'unknown' && seen.replicas === replicas && (uid === undefined || seen.uid === uid);
        return ours ? { kind: 'written', resourceVersion: seen.resourceVersion, confirmed: 'read' } : { kind: 'conflict', seen };
      }
      // nothing has been written to it since: the write was not carried out, and the server's own time limit keeps it from being so later
      if (round >= MOST_ROUNDS) throw unanswered(namespace, name);
    }
  };

  const moveScale: ScaleWriter['moveScale'] = async (target) => {
    let unknown = false;
    for (let round = 1; ; round += 1) {
      const seen = await readScale(target.namespace, target.name);
      if (target.uid !== undefined && seen.uid !== target.uid) return { kind: 'conflict', seen };
      if (unknown && seen.replicas === target.to) return { kind: 'written', resourceVersion: seen.resourceVersion, confirmed: 'read' };
      if (seen.replicas !== target.from) return { kind: 'conflict', seen };
      const answer = await patch({ ...target, uid: seen.uid }, target.to, seen.resourceVersion);
      if (typeof answer === 'object') return { kind: 'written', resourceVersion: answer.resourceVersion, confirmed: 'answer' };
      unknown ||= answer === 'unknown';
      if (round >= MOST_ROUNDS) {
        if (unknown) throw unanswered(target.namespace, target.name);
        return { kind: 'conflict', seen };
      }
    }
  };

  return { readScale, writeScale, moveScale };
}

const scalePath = (namespace: string, name: string): string => pathOf`/apis/apps/v1/namespaces/${namespace}/deployments/${name}/scale`;

function scaleSeen(answer: unknown, path: string): ScaleSeen {
  const scale = fieldsOf(answer);
  const metadata = fieldsOf(scale['metadata']);
  const uid = textOf(metadata['uid']);
  const resourceVersion = textOf(metadata['resourceVersion']);
  if (uid === null || resourceVersion === null) {
    throw kubeError(`${path}: the answer is not a Scale`, { status: 200, reason: 'NotAScale', retryAfterMs: null, outcomeUnknown: false });
  }
  const replicas = countOf(fieldsOf(scale['spec'])['replicas']);
  return { uid, resourceVersion, replicas, statusReplicas: countOf(fieldsOf(scale['status'])['replicas']) };
}

function unanswered(namespace: string, name: string): Error {
  const failure = { status: null, reason: 'Timeout', retryAfterMs: null, outcomeUnknown: true };
  return kubeError(`scale of ${namespace}/${name}: no answer to ${MOST_ROUNDS} writes`, failure);
}
