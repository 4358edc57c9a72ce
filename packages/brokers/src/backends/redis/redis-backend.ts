import { setTimeout as sleep } from 'node:timers/promises';
import { CeleriacError, decodeResultMeta, type ResultMeta } from '@celeriac/protocol';
import { closedError, isErrorReply, RedisConnection, runScript } from '../../transports/redis/redis-connection.ts';
import { brokerError } from '../../transports/redis/redis-hub.ts';
import { redisSettings } from '../../transports/redis/redis-settings.ts';
import { Subscriber } from '../../transports/redis/subscriber.ts';
import { createTurnBatch } from '../../transports/redis/turn-batch.ts';
import type { ResultBackend, ResultBackendOptions, StoredResult } from '../backend.ts';
import { createResultWatches } from './result-watches.ts';
import { STORE_RESULTS } from './store-script.ts';

const TIMEOUT_MS = 15_000;
const RETRY_MS = 20;
const COUNT_SECONDS = 86_400;
const PER_SCRIPT = 250;
const PER_SCRIPT_CHARACTERS = 4 * 1024 * 1024;

interface Store {
  readonly key: string;
  readonly record: string;
  readonly resolve: (stored: boolean) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Results as Celery's Redis backend keeps them (celery/backends/redis.py): `celery-task-meta-<id>`, published on the channel of the same name.
 * Options: globalKeyprefix, masterName, sentinelKwargs, socketTimeout (s), ssl. Throws CELERIAC_E_URL and CELERIAC_E_CONFIG at once.
 */
export function createRedisBackend(options: ResultBackendOptions): ResultBackend {
  const settings = redisSettings(options.url, options.transportOptions, options.logger, 'backend');
  const keepS = keepSeconds(options.resultExpires);
  const prefix = keyPrefix(options.transportOptions?.globalKeyprefix);
  const commands = new RedisConnection(settings, 'results');
  const subscriber = new Subscriber(settings);
  const closing = new AbortController();
  const running = new Set<Promise<void>>();
  const startsKeyOf = (taskId: string): string => `${prefix}celeriac-starts-${taskId}`;
  const keyOf = (taskId: string): string => `${prefix}celery-task-meta-${taskId}`;

  const batch = createTurnBatch<Store>((stores) => {
    for (const part of portions(stores)) {
      const run = storeAll(part, '0');
      running.add(run);
      void run.finally(() => running.delete(run));
    }
  });

  /** Runs again what may run again until the deadline. */
  async function insist<Value>(task: (client: Awaited<ReturnType<RedisConnection['use']>>) => Promise<Value>): Promise<Value> {
    const deadlineMs = performance.now() + TIMEOUT_MS;
    for (;;) {
      try {
        const client = commands.current ?? (await commands.use(Math.max(1, deadlineMs - performance.now())));
        return await task(client);
      } catch (error) {
        if (closing.signal.aborted || error instanceof CeleriacError || isErrorReply(error) || performance.now() >= deadlineMs) {
          throw brokerError(error, closing.signal.aborted);
        }
        await sleep(RETRY_MS);
      }
    }
  }

  async function storeAll(stores: readonly Store[], force: '0' | '1'): Promise<void> {
    try {
      const args: (string | number)[] = [keepS];
      for (const { record } of stores) args.push(force, record);
      const keys = stores.map(({ key }) => key);
      const verdicts = (await insist((client) => runScript(client, STORE_RESULTS, keys, args))) as readonly number[];
      for (const [index, store] of stores.entries()) {
        if (verdicts[index] === 2) await storeUnclear(store);
        else store.resolve(verdicts[index] === 1);
      }
    } catch (error) {
      for (const { reject } of stores) reject(error as Error);
    }
  }

  /** The standing record is compressed or written by someone else: it has to be read to know whether it is a SUCCESS. */
  async function storeUnclear(store: Store): Promise<void> {
    const standing = await insist((client) => client.getBuffer(store.key));
    let isSuccess = false;
    try {
      isSuccess = standing !== null && decodeResultMeta(standing).status === 'SUCCESS';
    } catch {
      // No record: it may be replaced.
    }
    if (isSuccess) store.resolve(false);
    else await storeAll([store], '1');
  }

  async function read(key: string): Promise<ResultMeta | undefined> {
    const record = await insist((client) => client.getBuffer(key));
    return record === null ? undefined : decodeResultMeta(record);
  }

  const watches = createResultWatches(subscriber, TIMEOUT_MS, read);
  const checkOpen = (): void => {
    if (closing.signal.aborted) throw closedError();
  };

  return {
    store({ taskId, metaJson }: StoredResult) {
      if (closing.signal.aborted) return Promise.reject(closedError());
      return new Promise((resolve, reject) => batch.add({ key: keyOf(taskId), record: metaJson, resolve, reject }));
    },
    async fetch(taskId) {
      checkOpen();
      return await read(keyOf(taskId));
    },
    async watch(taskId, signal) {
      checkOpen();
      return await watches.watch(keyOf(taskId), AbortSignal.any([signal, closing.signal]));
    },
    async forget(taskId) {
      checkOpen();
      await insist((client) => client.del(keyOf(taskId)));
    },
    async countStart(taskId) {
      checkOpen();
      const key = startsKeyOf(taskId);
      // Never sent again by itself: a start must not count twice.
      try {
        const client = await commands.use(TIMEOUT_MS);
        const results = await client.multi().incr(key).expire(key, COUNT_SECONDS).exec();
        const [error, count] = results?.[0] ?? [new Error('no answer'), 0];
        if (error !== null) throw error;
        return Number(count);
      } catch (error) {
        throw brokerError(error, closing.signal.aborted);
      }
    },
    async startsCounted(taskId) {
      checkOpen();
      return Number((await insist((client) => client.get(startsKeyOf(taskId)))) ?? 0);
    },
    async forgetStarts(taskId) {
      checkOpen();
      await insist((client) => client.del(startsKeyOf(taskId)));
    },
    async close() {
      if (closing.signal.aborted) return;
      batch.flush();
      if (commands.current !== undefined) await Promise.all(running);
      closing.abort(closedError());
      subscriber.close();
      commands.close();
    },
  };
}

function* portions(stores: readonly Store[]): Generator<readonly Store[]> {
  let part: Store[] = [];
  let characters = 0;
  for (const store of stores) {
    if (part.length === PER_SCRIPT || (part.length > 0 && characters + store.record.length > PER_SCRIPT_CHARACTERS)) {
      yield part;
      part = [];
      characters = 0;
    }
    part.push(store);
    characters += store.record.length;
  }
  if (part.length > 0) yield part;
}

function keepSeconds(resultExpires = 86_400): number {
  if (Number.isFinite(resultExpires) && resultExpires >= 0) return Math.ceil(resultExpires);
  throw new CeleriacError('CELERIAC_E_CONFIG', `resultExpires must be a number of seconds, not ${String(resultExpires)}`);
}

/** Celery puts an underscore behind a prefix that does not end in a separator. */
function keyPrefix(option: unknown): string {
  if (option === undefined || option === null || option === '') return '';
  if (typeof option !== 'string') throw new CeleriacError('CELERIAC_E_CONFIG', 'the option globalKeyprefix must be text');
  return /[:_\-.]$/.test(option) ? option : `${option}_`;
}
