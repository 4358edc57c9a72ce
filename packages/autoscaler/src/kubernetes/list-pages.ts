import type { ApiClient } from './api-client.ts';
import { itemsOfJson } from './body-reader.ts';
import { kubeError } from './failure.ts';
import { fieldsOf, textOf } from './fields.ts';

/** Every object of a collection at one moment, as far as it was kept. */
export interface Listed<T> {
  readonly objects: readonly T[];
  /** Of the collection at that moment: where a watch goes on. Opaque. */
  readonly resourceVersion: string;
}

/** Long enough for a page from a busy server. */
const PAGE_TIMEOUT_MS = 20_000;

/**
 * Lists a collection page by page and keeps of each object what `project` makes of it, object by object while a page comes in. All pages show the moment of the first. The list is asked for without a resourceVersion, which makes it the newest state
 * (and not what some cache remembers).
 */
export async function listPages<T>(options: {
  readonly client: ApiClient;
  readonly path: string;
  readonly pageSize: number;
  readonly project: (object: unknown) => T | null;
  readonly signal: AbortSignal;
  /** A page has come. */
  readonly onContact: () => void;
}): Promise<Listed<T>> {
  const { client, path, pageSize, project, signal, onContact } = options;
  const objects: T[] = [];
  let page: T[] = [];
  let next: string | undefined;
  let resourceVersion: string | null = null;
  do {
    const list = fieldsOf(
      await client.request({
        method: 'GET',
        path,
        query: { limit: pageSize, continue: next },
        timeoutMs: PAGE_TIMEOUT_MS,
        attempts: 2,
        signal,
        reader: () => {
          page = [];
          return itemsOfJson((item) => {
            const kept = project(item);
            if (kept !== null) page.push(kept);
          });
        },
      }),
    );
    onContact();
    for (const kept of page) objects.push(kept);
    const metadata = fieldsOf(list['metadata']);
    resourceVersion ??= textOf(metadata['resourceVersion']);
    next = textOf(metadata['continue']) ?? undefined;
  } while (next !== undefined);
  if (resourceVersion === null) {
    const failure = { status: 200, reason: 'NotAList', retryAfterMs: null, outcomeUnknown: false };
    throw kubeError(`GET ${path}: the answer is not a list`, failure);
  }
  return { objects, resourceVersion };
}
