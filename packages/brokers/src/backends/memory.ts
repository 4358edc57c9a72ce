import { CeleriacError, decodeResultMeta, READY_STATES, type ResultMeta } from '@celeriac/protocol';
import type { ResultBackend, ResultBackendOptions } from './backend.ts';

const DAY_MS = 86_400_000;

interface Shelf {
  readonly results: Map<string, { readonly status: string; readonly metaJson: string; readonly expiresAtMs: number }>;
  readonly starts: Map<string, { readonly count: number; readonly expiresAtMs: number }>;
  readonly watchers: Map<string, Set<(meta: ResultMeta) => void>>;
}
const shelves = new Map<string, Shelf>();

/**
 * Results inside this process: all backends with the same `memory://name` URL share them. Expired results go when they are looked at, and in a
 * sweep at every thousandth store.
 */
export function createMemoryBackend(options: ResultBackendOptions): ResultBackend {
  const shelf: Shelf = shelves.get(options.url) ?? { results: new Map(), starts: new Map(), watchers: new Map() };
  shelves.set(options.url, shelf);
  const keepMs = (options.resultExpires ?? 86_400) * 1000 || Number.POSITIVE_INFINITY;
  const closing = new AbortController();
  let stores = 0;

  const checkOpen = (): void => {
    if (closing.signal.aborted) throw new CeleriacError('CELERIAC_E_CLOSED', 'the memory backend is closed');
  };
  const standing = (taskId: string) => {
    const found = shelf.results.get(taskId);
    if (found === undefined || found.expiresAtMs > Date.now()) return found;
    shelf.results.delete(taskId);
    return undefined;
  };
  const startsOf = (taskId: string, nowMs: number): number => {
    const counted = shelf.starts.get(taskId);
    return counted !== undefined && counted.expiresAtMs > nowMs ? counted.count : 0;
  };
  const sweep = (nowMs: number): void => {
    for (const map of [shelf.results, shelf.starts]) for (const [key, { expiresAtMs }] of map) if (expiresAtMs <= nowMs) map.delete(key);
  };

  return {
    async store({ taskId, status, metaJson }) {
      checkOpen();
      if (standing(taskId)?.status === 'SUCCESS') return false;
      const nowMs = Date.now();
      if (++stores % 1000 === 0) sweep(nowMs);
      shelf.results.set(taskId, { status, metaJson, expiresAtMs: nowMs + keepMs });
      const watchers = shelf.watchers.get(taskId);
      if (watchers === undefined || !READY_STATES.has(status)) return true;
      shelf.watchers.delete(taskId);
      const meta = decodeResultMeta(metaJson);
      for (const tell of watchers) tell(meta);
      return true;
    },
    async fetch(taskId) {
      checkOpen();
      const found = standing(taskId);
      return found === undefined ? undefined : decodeResultMeta(found.metaJson);
    },
    async watch(taskId, signal) {
      checkOpen();
      signal.throwIfAborted();
      const found = standing(taskId);
      if (found !== undefined && READY_STATES.has(found.status)) return decodeResultMeta(found.metaJson);
      return await new Promise<ResultMeta>((resolve, reject) => {
        const either = AbortSignal.any([signal, closing.signal]);
        const watchers = shelf.watchers.get(taskId) ?? new Set();
        shelf.watchers.set(taskId, watchers);
        const stop = (): void => {
          watchers.delete(tell);
          if (watchers.size === 0 && shelf.watchers.get(taskId) === watchers) shelf.watchers.delete(taskId);
          reject(either.reason as Error);
        };
        const tell = (meta: ResultMeta): void => {
          either.removeEventListener('abort', stop);
          resolve(meta);
        };
        watchers.add(tell);
        either.addEventListener('abort', stop, { once: true });
      });
    },
    async forget(taskId) {
      checkOpen();
      shelf.results.delete(taskId);
    },
    async countStart(taskId) {
      checkOpen();
      const nowMs = Date.now();
      const count = startsOf(taskId, nowMs) + 1;
      shelf.starts.set(taskId, { count, expiresAtMs: nowMs + DAY_MS });
      return count;
    },
    async startsCounted(taskId) {
      checkOpen();
      return startsOf(taskId, Date.now());
    },
    async forgetStarts(taskId) {
      checkOpen();
      shelf.starts.delete(taskId);
    },
    async close() {
      closing.abort(new CeleriacError('CELERIAC_E_CLOSED', 'the memory backend is closed'));
    },
  };
}
