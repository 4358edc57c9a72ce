import type { Logger } from '@celeriac/brokers';
import type { ScaleWriter } from '../../kubernetes/scale-writer.ts';
import { refused } from './refusal.ts';

/** Which Deployment is changed, and whether it may be. */
export interface ScaleChangesOptions {
  readonly scale: ScaleWriter;
  readonly pool: string;
  readonly namespace: string;
  readonly name: string;
  readonly logger: Logger;
  readonly mayWrite: () => boolean;
}

/** Changes the number of one Deployment by `/scale`, one change after the other. */
export class ScaleChanges {
  readonly #options: ScaleChangesOptions;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: ScaleChangesOptions) {
    this.#options = options;
  }

  /** Does this when what was asked for before it is done; what goes with the number, such as marks, waits in the same line. */
  inTurn(write: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(write);
    this.#writing = done.catch(() => undefined);
    return done;
  }

  /** Writes `to` where it wants `from` and `still` holds at the last moment. Rejects with CELERIAC_E_KUBERNETES where it was not written. */
  async move(uid: string, from: number, to: number, still: () => boolean): Promise<void> {
    const { scale, namespace, name, mayWrite, logger, pool } = this.#options;
    const written = await scale.moveScale({ namespace, name, uid, from, to, mayWrite: () => mayWrite() && still() });
    if (written.kind === 'conflict') {
      throw refused(namespace, name, `somebody else changed it to ${written.seen.replicas} replicas in the meantime`);
    }
    logger.info({ pool, deployment: name, from, to }, `scaled the Deployment from ${from} to ${to}`);
  }

  /** For when nothing is known of its pods: only the number itself is read, and never lowered. Rejects as `move` does. */
  async raise(to: number): Promise<void> {
    const { scale, namespace, name, mayWrite, logger, pool } = this.#options;
    const { replicas, resourceVersion } = await scale.readScale(namespace, name);
    if (replicas >= to) return;
    const written = await scale.writeScale({ namespace, name, replicas: to, resourceVersion, mayWrite });
    if (written.kind === 'conflict') throw refused(namespace, name, 'it changed in the meantime');
    logger.info({ pool, deployment: name, from: replicas, to }, `scaled the Deployment from ${replicas} to ${to} without seeing its pods`);
  }
}
