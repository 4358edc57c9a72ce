// A Python producer: Celery's own, with the tasks of python-image/app.py.

import { join } from 'node:path';
import { runPythonJson } from '../python/script.ts';
import type { ReachableBroker } from './broker.ts';
import type { HttpLedger } from './http-ledger.ts';

/** Publishes `count` tasks that take `ms` each to a queue, waits for all results and returns them: the pods that they ran in. */
export async function publishFromPython(
  broker: ReachableBroker,
  ledger: HttpLedger,
  queue: string,
  ids: readonly string[],
  ms: number,
): Promise<readonly string[]> {
  const results = await runPythonJson(SOURCE, {
    cwd: join(import.meta.dirname, 'python-image'),
    env: { CELERY_BROKER_URL: broker.url, CELERY_RESULT_BACKEND: broker.backend },
    args: [ledger.url, queue, JSON.stringify(ids), String(ms)],
    timeoutMs: 120_000,
  });
  return results as readonly string[];
}

const SOURCE = `
import json, sys
from app import work

ledger, queue, ids, ms = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), int(sys.argv[4])
sent = [work.apply_async((ledger, id, ms), queue=queue) for id in ids]
print(json.dumps([one.get(timeout=90) for one in sent]))
`;
