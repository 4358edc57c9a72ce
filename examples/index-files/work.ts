import { type AsyncResult, Celery, type Signature } from '@celeriac/producer';
import { type FileFacts, type Fingerprint, fingerprintFile, indexFile } from './contracts.ts';

/** The tasks of a run, and how far they are. */
export interface Work {
  readonly counts: { readonly published: number; readonly succeeded: number; readonly failed: number };
  /** Publishes two tasks for each file and gathers their results. Resolves when the last one is in. */
  index(files: Iterable<string>): Promise<Findings>;
  /** Publishes a task that fails; resolves with what its caller is told. */
  fail(): Promise<string>;
  close(): Promise<void>;
}

/** What the tasks of one call of `index` found, and how many of them failed. */
export interface Findings {
  readonly facts: readonly FileFacts[];
  readonly fingerprints: readonly Fingerprint[];
  readonly failed: number;
}

/** @param onChange called whenever a count has changed */
export function createWork(urls: { readonly broker: string; readonly backend: string }, onChange: () => void): Work {
  const app = new Celery(urls);
  const tasks = app.tasks({ indexFile, fingerprintFile });
  const counts = { published: 0, succeeded: 0, failed: 0 };
  const closing = new AbortController();

  /** Waits for a result and counts it; undefined for a success. */
  const gather = async <Value>(result: AsyncResult<Value>, into: Value[]): Promise<Error | undefined> => {
    try {
      into.push(await result.get());
      counts.succeeded += 1;
      onChange();
      return undefined;
    } catch (error) {
      if (!closing.signal.aborted) counts.failed += 1;
      onChange();
      return error as Error;
    }
  };

  return {
    counts,
    async index(files) {
      const facts: FileFacts[] = [];
      const fingerprints: Fingerprint[] = [];
      const gathered: Promise<Error | undefined>[] = [];
      const calls = function* (): Generator<Signature> {
        for (const path of files) {
          for (const [task, into] of [
            [tasks.indexFile, facts],
            [tasks.fingerprintFile, fingerprints],
          ] as const) {
            const taskId = crypto.randomUUID();
            gathered.push(gather<FileFacts | Fingerprint>(app.result(taskId), into));
            counts.published += 1;
            yield task.signature({ args: [path], taskId });
          }
        }
      };
      await app.publishMany(calls(), { signal: closing.signal });
      const ended = await Promise.all(gathered);
      const byPath = (left: { readonly path: string }, right: { readonly path: string }): number => (left.path < right.path ? -1 : 1);
      return {
        facts: facts.sort(byPath),
        fingerprints: fingerprints.sort(byPath),
        failed: ended.filter((error) => error !== undefined).length,
      };
    },
    async fail() {
      const result = await app.sendTask('index.fail', { args: ['you pressed f'] });
      counts.published += 1;
      const error = await gather(result, []);
      return error?.message ?? 'it succeeded';
    },
    async close() {
      closing.abort(new Error('closing'));
      await app.close();
    },
  };
}
