import { constants } from 'node:os';
import { CeleriacError, pythonRepr, taskRevoked } from '@celeriac/protocol';
import { exceptionRecord } from '../outcome/records.ts';
import type { ControlledNode } from './node.ts';

const MAX_IDS = 10_000;
/** States in which a revocation is recorded at once (Celery 5.7 `_revoke`): others have ended, or have begun. */
const REVOCABLE: ReadonlySet<string> = new Set(['PENDING', 'RECEIVED', 'RETRY', 'REJECTED']);

/** Never start these ids again; with `terminate`, also end what runs of them (celery/worker/control.py `revoke`). */
export function revoke(node: ControlledNode, args: Readonly<Record<string, unknown>>): unknown {
  const ids = idsOf(args.task_id);
  if (ids.length > MAX_IDS) return { error: `ValueError('at most ${MAX_IDS} ids at once')` };
  const nowMs = node.now();
  for (const id of ids) node.revoked.add(id, nowMs);
  recordRevoked(node, ids);
  if (args.terminate !== true) {
    node.logger.info({ count: ids.length }, 'tasks flagged as revoked');
    return { ok: `tasks ${ids.length === 0 ? 'set()' : `{${ids.map((id) => pythonRepr(id)).join(', ')}}`} flagged as revoked` };
  }
  const signal = signalOf(args.signal);
  if (signal === undefined) return { error: `ValueError(${pythonRepr(String(args.signal))})` };
  const terminated = ids.filter((id) => terminate(node, id, signal));
  return { ok: terminated.length === 0 ? 'terminate: tasks unknown' : `terminate: ${terminated.join(', ')}` };
}

/** What waits is dropped at its turn, as it is revoked; what runs is ended. */
function terminate(node: ControlledNode, id: string, signal: NodeJS.Signals): boolean {
  const attempt = node.hand.get(id);
  if (attempt === undefined || attempt.phase === 'settling') return false;
  attempt.terminatedBy = signal;
  if (attempt.phase === 'running') node.pool.terminate(id, signal);
  return true;
}

/** Tells whoever waits for a result, also for ids that never come here. */
function recordRevoked(node: ControlledNode, ids: readonly string[]): void {
  const { backend, logger } = node;
  if (backend === null) return;
  const one = async (id: string): Promise<void> => {
    const meta = await backend.fetch(id);
    if (meta !== undefined && !REVOCABLE.has(meta.status)) return;
    const request = { id, groupId: null, parentId: null };
    await backend.store(exceptionRecord({ request, nowMs: node.now() }, 'REVOKED', taskRevoked('revoked'), null));
  };
  for (const id of ids) one(id).catch((error: unknown) => logger.warn({ err: error, taskId: id }, 'REVOKED not stored'));
}

function idsOf(value: unknown): string[] {
  const values: unknown[] = Array.isArray(value) ? value : [value];
  const ids = new Set<string>();
  for (const id of values) {
    if (typeof id !== 'string' || id === '' || id.length > 255) {
      throw new CeleriacError('CELERIAC_E_TASK_ID', 'revoke needs task ids of 1 to 255 characters');
    }
    ids.add(id);
  }
  return [...ids];
}

/** `SIGTERM`, `TERM`, `term` or the number; SIGTERM where nothing is said. */
function signalOf(value: unknown): NodeJS.Signals | undefined {
  if (value === undefined || value === null) return 'SIGTERM';
  const known = Object.entries(constants.signals) as [NodeJS.Signals, number][];
  if (typeof value === 'number') return known.find(([, number]) => number === value)?.[0];
  if (typeof value !== 'string') return undefined;
  const upper = value.toUpperCase();
  return known.find(([name]) => name === upper || name === `SIG${upper}`)?.[0];
}
