import type { Consumer, EventDispatcher, LamportClock, Logger, ResultBackend, TransportTraits } from '@celeriac/brokers';
import type { Reporter } from '../events/reporter.ts';
import type { Tally } from '../events/tally.ts';
import type { Hand } from '../intake/hand.ts';
import type { Held } from '../intake/held.ts';
import type { Pool } from '../pool/pool.ts';
import type { RevokedIds } from '../strategy/revoked.ts';
import type { TaskManifest } from '../tasks/manifest.ts';

/** What remote control can see and do of a worker. */
export interface ControlledNode {
  readonly nodename: string;
  readonly traits: TransportTraits;
  readonly clock: LamportClock;
  readonly consumer: () => Consumer | undefined;
  readonly hand: Hand;
  readonly held: Held;
  readonly pool: Pool;
  readonly tally: Tally;
  readonly reporter: Reporter;
  readonly dispatcher: EventDispatcher;
  readonly revoked: RevokedIds;
  readonly backend: ResultBackend | null;
  readonly manifest: () => TaskManifest;
  readonly credit: () => number;
  /** Settings as `inspect conf` shows them: Celery's names, no secrets. */
  readonly conf: Readonly<Record<string, unknown>>;
  readonly limits: { readonly timeLimitS: number | null; readonly softTimeLimitS: number | null };
  readonly maxTasksPerChild: number | null;
  readonly startedAtMs: number;
  readonly now: () => number;
  readonly logger: Logger;
  /** Begins a warm shutdown. */
  readonly shutdown: () => void;
}
