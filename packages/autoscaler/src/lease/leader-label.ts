import type { Logger } from '@celeriac/brokers';
import { type ApiClient, pathOf } from '../kubernetes/api-client.ts';
import { kubeFailure } from '../kubernetes/failure.ts';
import { FIELD_MANAGER } from '../kubernetes/scale-writer.ts';

/** The label by which a Service selects the autoscaler that leads. */
export const LEADER_LABEL = 'celeriac.dev/role';

/** Keeps the label of our own Pod true to whether we hold the lease. */
export interface LeaderLabel {
  /** We hold the lease, or no longer do. Returns at once. */
  follow(held: boolean): void;
  /** Takes the label off, if that can be done within three seconds; rejects never. */
  close(): Promise<void>;
}

export interface LeaderLabelOptions {
  readonly client: Pick<ApiClient, 'request'>;
  /** Of our Pod. */
  readonly namespace: string;
  readonly podName: string;
  /** Whether we hold the lease; asked at the last moment before the label is put on. */
  readonly held: () => boolean;
  readonly logger: Logger;
  /** After the first try that fails, ms; later ones wait longer, up to four times as much. Default 2,000. */
  readonly retryMs?: number;
}

const RETRY_MS = 2_000;
const REQUEST_MS = 5_000;
const CLOSE_MS = 3_000;
const LONGEST_RETRIES = 4;

/**
 * Begins with taking the label off: a container that is started again in its Pod finds what the one before it left. From then on one request at a
 * time, tried again until it is as it should be; nobody waits for it. Needs `patch` on Pods of its own namespace (examples/kubernetes/rbac.yaml).
 */
export function createLeaderLabel(options: LeaderLabelOptions): LeaderLabel {
  const { client, namespace, podName, held, logger, retryMs = RETRY_MS } = options;
  const closing = new AbortController();
  let wanted = false;
  /** What the Pod says; undefined while that is not known: a write without an answer may have been carried out. */
  let shown: boolean | undefined;
  let running: Promise<void> | undefined;
  let wake: (() => void) | undefined;
  let toldOf = '';

  const write = async (leads: boolean, signal: AbortSignal): Promise<void> => {
    shown = undefined;
    await client.request({
      method: 'PATCH',
      path: pathOf`/api/v1/namespaces/${namespace}/pods/${podName}`,
      query: { fieldManager: FIELD_MANAGER },
      body: { metadata: { labels: { [LEADER_LABEL]: leads ? 'leader' : null } } },
      timeoutMs: REQUEST_MS,
      giveUpAfterMs: REQUEST_MS,
      attempts: 1,
      priority: 'urgent',
      signal,
      ...(leads ? { mayWrite: held } : {}),
    });
    shown = leads;
  };
  const failed = (error: unknown, leads: boolean): void => {
    // The lease is gone, which we shall be told in a moment.
    if (closing.signal.aborted || kubeFailure(error)?.reason === 'MayNotWrite') return;
    const text = error instanceof Error ? error.message : String(error);
    const level = text === toldOf ? 'debug' : 'warn';
    toldOf = text;
    logger[level]({ err: error, pod: podName, leads }, `the label ${LEADER_LABEL} of our Pod could not be set, trying again`);
  };
  const settle = async (): Promise<void> => {
    let failures = 0;
    while (shown !== wanted && !closing.signal.aborted) {
      const leads = wanted;
      try {
        await write(leads, closing.signal);
        failures = 0;
        toldOf = '';
      } catch (error) {
        failed(error, leads);
        failures += 1;
        await rest(Math.min(LONGEST_RETRIES, failures) * retryMs);
      }
    }
  };
  const rest = (forMs: number): Promise<void> => {
    if (closing.signal.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, forMs);
    wake = resolve;
    return promise.finally(() => {
      clearTimeout(timer);
      wake = undefined;
    });
  };
  const begin = (): void => {
    running ??= settle().finally(() => {
      running = undefined;
      if (shown !== wanted && !closing.signal.aborted) begin();
    });
  };
  begin();
  return {
    follow(isHeld) {
      wanted = isHeld;
      wake?.();
      begin();
    },
    async close() {
      closing.abort();
      wake?.();
      await running;
      if (shown === false) return;
      await write(false, AbortSignal.timeout(CLOSE_MS)).catch((error: unknown) => {
        logger.debug({ err: error, pod: podName }, 'the label of the leader stays on our Pod');
      });
    },
  };
}
