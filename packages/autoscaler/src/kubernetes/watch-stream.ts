import type { ApiClient } from './api-client.ts';
import { kubeError, kubeFailure } from './failure.ts';
import { fieldsOf, textOf } from './fields.ts';
import { createLineSplitter } from './json-lines.ts';

/** How a watch ended. */
export type WatchEnd =
  /** The server closed it in good order: everything up to the last version has been told. */
  | { readonly kind: 'ended'; readonly resourceVersion: string }
  /** The version is too old to go on from: 410 as status or as event. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'broken'; readonly error: unknown };

/** What happened to an object. */
export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED';

const MOST_LINE_BYTES = 16 * 1_024 * 1_024;

/**
 * Watches a collection from a version on until the server ends it, it breaks, or no byte came for `byteIdleMs`. Never rejects.
 *
 * The server is asked for bookmarks and sends one about once a minute (60 to 61 s seen on 1.34), so that a healthy watch is never silent
 * for longer and the version to go on from does not age.
 */
export async function watchStream(options: {
  readonly client: ApiClient;
  readonly path: string;
  readonly resourceVersion: string;
  /** The server ends it after so long. */
  readonly timeoutSeconds: number;
  readonly byteIdleMs: number;
  readonly signal: AbortSignal;
  /** The server has accepted it, or bytes have come. */
  readonly onContact: () => void;
  readonly onEvent: (type: WatchEventType, object: unknown) => void;
}): Promise<WatchEnd> {
  const { client, path, timeoutSeconds, byteIdleMs, onContact, onEvent } = options;
  let { resourceVersion } = options;
  const silence = new AbortController();
  const abort = (): void => silence.abort();
  options.signal.addEventListener('abort', abort, { once: true });
  if (options.signal.aborted) abort();
  let idleTimer: NodeJS.Timeout | undefined;
  let silent = false;
  try {
    const query = { watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds };
    const stream = await client.open({ path, query, signal: silence.signal });
    onContact();
    idleTimer = setTimeout(() => {
      silent = true;
      silence.abort();
    }, byteIdleMs);
    const splitter = createLineSplitter(MOST_LINE_BYTES);
    for await (const chunk of stream) {
      idleTimer.refresh();
      onContact();
      for (const line of splitter.push(chunk as Buffer)) {
        if (line.trim() === '') continue;
        const event = fieldsOf(JSON.parse(line));
        const object = fieldsOf(event['object']);
        if (event['type'] === 'ERROR') return endOf(path, object);
        resourceVersion = textOf(fieldsOf(object['metadata'])['resourceVersion']) ?? resourceVersion;
        if (event['type'] === 'ADDED' || event['type'] === 'MODIFIED' || event['type'] === 'DELETED') onEvent(event['type'], object);
      }
    }
    return { kind: 'ended', resourceVersion };
  } catch (error) {
    if (kubeFailure(error)?.status === 410) return { kind: 'expired' };
    const broken = silent ? brokenError(path, `no byte for ${byteIdleMs / 1_000} s`, 'Silent') : error;
    return { kind: 'broken', error: kubeFailure(broken) === null ? brokenError(path, textOfError(broken), 'ConnectionLost') : broken };
  } finally {
    clearTimeout(idleTimer);
    options.signal.removeEventListener('abort', abort);
    silence.abort();
  }
}

/** An ERROR event carries a Status; 410 and its reasons mean that the version has expired. */
function endOf(path: string, status: Readonly<Record<string, unknown>>): WatchEnd {
  const reason = textOf(status['reason']) ?? 'Unknown';
  if (status['code'] === 410 || reason === 'Expired' || reason === 'Gone') return { kind: 'expired' };
  const message = textOf(status['message'])?.slice(0, 300) ?? 'no message';
  const code = typeof status['code'] === 'number' ? status['code'] : null;
  return { kind: 'broken', error: brokenError(path, `${reason}: ${message}`, reason, code) };
}

function brokenError(path: string, text: string, reason: string, status: number | null = null): Error {
  return kubeError(`watch of ${path}: ${text}`, { status, reason, retryAfterMs: null, outcomeUnknown: false });
}

const textOfError = (error: unknown): string => (error instanceof Error ? error.message : String(error));
