import { loadavg, type as osType } from 'node:os';

/** What the heartbeat says beside the common fields. */
export interface WorkerState {
  readonly active: number;
  readonly processed: number;
  readonly reserved: number;
  readonly slots: number;
  readonly version: string;
}

/** Fields of worker-online, -heartbeat and -offline: Celery's, then our `reserved` and `slots` (celery/worker/heartbeat.py). */
export function workerFields(state: WorkerState): Readonly<Record<string, unknown>> {
  return {
    active: state.active,
    processed: state.processed,
    loadavg: loadavg().map((load) => Math.round(load * 100) / 100),
    sw_ident: 'celeriac',
    sw_ver: state.version,
    sw_sys: osType(),
    reserved: state.reserved,
    slots: state.slots,
  };
}
