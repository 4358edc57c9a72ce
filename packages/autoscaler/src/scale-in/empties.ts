import type { ReplicaSeen } from '../decide/seen.ts';

/** A trim is not repeated before it can have shown, ms. */
const TRIM_MS = 2_000;

/** Replicas in which nothing runs: none of them needs a cordon. */
export interface Empties {
  /** To be taken out now. */
  readonly trim: readonly ReplicaSeen[];
  /** Those asked for that would go before any other. */
  readonly starting: number;
  /** The target was told a moment ago and has not shown it yet. */
  readonly underWay: boolean;
}

/**
 * Which replicas without anything in them to take out: of those on their way as many as are too many, the youngest first; of those that
 * are stuck all but one while more are asked for, which shows when the cause is gone. Pure.
 * @param surplus replicas ready or starting beyond those wanted
 */
export function emptiesOf(
  nowMs: number,
  seen: { readonly wish?: number | null; readonly replicas: readonly ReplicaSeen[] },
  { surplus, current, trimmedAtMs }: { readonly surplus: number; readonly current: number; readonly trimmedAtMs: number },
): Empties {
  const empty = seen.replicas.filter((replica) => replica.empty === true);
  const starting = empty.filter((replica) => replica.phase === 'starting').toSorted((a, b) => b.startedAtMs - a.startedAtMs);
  const wish = seen.wish ?? null;
  const keepsProbe = wish !== null && wish > current && surplus === 0;
  const stuck = wish === null ? [] : empty.filter((one) => one.phase === 'stuck' && !(one.probe === true && keepsProbe));
  const trim = [...stuck, ...starting.slice(0, surplus)];
  const underWay = trim.length > 0 && nowMs - trimmedAtMs < TRIM_MS;
  return { trim: underWay ? [] : trim, starting: starting.length, underWay };
}
