import type { Logger } from '@celeriac/brokers';
import { type ApiClient, pathOf } from '../../kubernetes/api-client.ts';
import { kubeFailure } from '../../kubernetes/failure.ts';
import { fieldsOf, listOf, textOf } from '../../kubernetes/fields.ts';
import type { Rival } from './other-writers.ts';

/** Autoscalers of a namespace beside us; null where they may not be listed. */
export interface RivalsSeen {
  readonly horizontalPodAutoscalers: readonly Rival[] | null;
  readonly scaledObjects: readonly Rival[] | null;
}

/** The other autoscalers of one namespace, listed once a minute while somebody wants to know, and more often while there are some. */
export interface Rivals {
  /** Undefined before they were asked for the first time. */
  readonly seen: RivalsSeen | undefined;
  /** How often they have been listed, or that was tried. */
  readonly looks: number;
  /** Somebody has just scaled as autoscalers do: looks now rather than in a minute. What is seen is newer than that from so many looks on. */
  look(): number;
  /** Calls back when they changed; the answer ends it. */
  follow(listener: () => void): () => void;
}

const EVERY_MS = 60_000;
/** While there are some: whoever is held by one that has gone should not wait long. */
const WHILE_SOME_MS = 15_000;
const NOT_SOONER_MS = 2_000;
/** So often in a row nobody's answer is no answer; from then on it is taken for none that may be listed, as in a cluster where that never works. */
const FIRST_TRIES = 10;

const known = new WeakMap<ApiClient, Map<string, Rivals>>();

/**
 * The other autoscalers of a namespace, one list for all who ask by the same client. Needs `list` on horizontalpodautoscalers
 * (autoscaling) and scaledobjects (keda.sh); without it nothing is known of them.
 */
export function rivalsOf(client: ApiClient, namespace: string, logger: Logger): Rivals {
  const byNamespace = known.get(client) ?? new Map<string, Rivals>();
  known.set(client, byNamespace);
  const rivals = byNamespace.get(namespace) ?? createRivals(client, namespace, logger);
  byNamespace.set(namespace, rivals);
  return rivals;
}

function createRivals(client: ApiClient, namespace: string, logger: Logger): Rivals {
  const listeners = new Set<() => void>();
  let seen: RivalsSeen | undefined;
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  let asked = false;
  let looks = 0;
  let lookedAtMs = Number.NEGATIVE_INFINITY;

  /** Undefined where there was no answer. */
  const list = async (path: string): Promise<readonly Rival[] | null | undefined> => {
    try {
      return rivalsIn(await client.request({ method: 'GET', path, attempts: 2 }));
    } catch (error) {
      const status = kubeFailure(error)?.status;
      if (status === 403 || status === 404) return null;
      logger.debug({ err: error, path }, 'other autoscalers could not be listed');
      return undefined;
    }
  };
  const look = async (): Promise<void> => {
    const before = seen;
    const [horizontalPodAutoscalers, scaledObjects] = await Promise.all([
      list(pathOf`/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`),
      list(pathOf`/apis/keda.sh/v1alpha1/namespaces/${namespace}/scaledobjects`),
    ]);
    const unanswered = horizontalPodAutoscalers === undefined || scaledObjects === undefined;
    // Who could not be asked may be there.
    if (unanswered && before === undefined && looks + 1 < FIRST_TRIES) return;
    seen = {
      horizontalPodAutoscalers:
        horizontalPodAutoscalers === undefined ? (before?.horizontalPodAutoscalers ?? null) : horizontalPodAutoscalers,
      scaledObjects: scaledObjects === undefined ? (before?.scaledObjects ?? null) : scaledObjects,
    };
    if (JSON.stringify(seen) !== JSON.stringify(before)) for (const listener of listeners) listener();
  };
  const lookIn = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(again, ms);
  };
  const again = (): void => {
    if (looking) return;
    looking = true;
    asked = false;
    lookedAtMs = performance.now();
    void look().finally(() => {
      looking = false;
      looks += 1;
      const some = [seen?.horizontalPodAutoscalers, seen?.scaledObjects].some((found) => found != null && found.length > 0);
      if (listeners.size > 0) lookIn(asked || seen === undefined ? NOT_SOONER_MS : some ? WHILE_SOME_MS : EVERY_MS);
    });
  };
  return {
    get seen() {
      return seen;
    },
    get looks() {
      return looks;
    },
    look() {
      if (!asked && listeners.size > 0) {
        asked = true;
        if (!looking) lookIn(Math.max(0, lookedAtMs + NOT_SOONER_MS - performance.now()));
      }
      return looks + (looking ? 2 : 1);
    },
    follow(listener) {
      if (listeners.size === 0) again();
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) clearTimeout(timer);
      };
    },
  };
}

/** Those that scale a Deployment; a ScaledObject that is paused writes nothing. */
function rivalsIn(answer: unknown): readonly Rival[] {
  const { kind, items } = fieldsOf(answer);
  return listOf(items).flatMap((item): Rival[] => {
    const { metadata, spec } = fieldsOf(item);
    const { name, annotations } = fieldsOf(metadata);
    const target = fieldsOf(fieldsOf(spec)['scaleTargetRef']);
    const deployment = textOf(target['name']);
    if (deployment === null || (textOf(target['kind']) ?? 'Deployment') !== 'Deployment') return [];
    const paused = fieldsOf(annotations)['autoscaling.keda.sh/paused'];
    if (paused !== undefined && paused !== 'false') return [];
    return [{ kind: (textOf(kind) ?? 'List').replace(/List$/, ''), name: textOf(name) ?? '', deployment }];
  });
}
