import { type AsyncResult, Celery, type Signature } from '@celeriac/producer';
import { type FileFacts, type Fingerprint, fingerprintFile, indexFile } from './contracts.ts';

/** The tasks of a run, and how far they are. */
export interface Work {
  readonly counts: { readonly published: number; readonly succeeded: number; readonly failed: number };
  readonly facts: readonly FileFacts[];
  readonly fingerprints: readonly Fingerprint[];
  /** Publishes two tasks for each file and gathers their results. Resolves when the last one is in. */
  index(files: Iterable<string>): Promise<void>;
  /** Publishes a task that fails. */
  fail(): Promise<void>;
  close(): Promise<void>;
}

/** @param onChange called whenever a count has changed */
export function createWork(urls: { readonly broker: string; readonly backend: string }, onChange: () => void): Work {
  const app = new Celery(urls);
  const tasks = app.tasks({ indexFile, fingerprintFile });
  const counts = { published: 0, succeeded: 0, failed: 0 };
  const facts: FileFacts[] = [];
  const fingerprints: Fingerprint[] = [];
  const closing = new AbortController();

  const gather = async <Value>(result: AsyncResult<Value>, into: Value[]): Promise<void> => {
    try {
      into.push(await result.get({ signal: closing.signal }));
      counts.succeeded += 1;
    } catch {
      if (closing.signal.aborted) return;
      counts.failed += 1;
    }
    onChange();
  };

  return {
    counts,
    facts,
    fingerprints,
    async index(files) {
      const gathered: Promise<void>[] = [];
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
      await Promise.all(gathered);
    },
    async fail() {
      const result = await app.sendTask('index.fail', { args: ['asked to'] });
      counts.published += 1;
      await gather(result, []);
    },
    async close() {
      closing.abort(new Error('closing'));
      await app.close();
    },
  };
}
