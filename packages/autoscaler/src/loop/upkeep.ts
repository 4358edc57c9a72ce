import type { Logger } from '@celeriac/brokers';
import type { NextDueSampler } from '../samplers/next-due.ts';

/** What transports offer whose brokers need somebody to put messages back. */
export interface ClaimSweep {
  /** Puts back what dead workers held. */
  sweepClaims(): Promise<{ readonly restored: number }>;
  /** Puts back what was parked and is due; resolves with how many. */
  moveDue(): Promise<number>;
}

/** What the autoscaler does for the broker while no worker may be there to do it. */
export interface Upkeep {
  stop(): void;
}

const EVERY_MS = 1_000;
const SWEEP_EVERY_MS = 5_000;

/** Asks once a second when the next parked message is due, and sweeps every five seconds and whenever one is. */
export function startUpkeep(options: {
  readonly transport: Partial<ClaimSweep>;
  readonly nextDue: NextDueSampler;
  readonly now: () => number;
  readonly logger: Logger;
  /** Something may have been put back into a queue. */
  readonly onDue: () => void;
}): Upkeep {
  const { transport, nextDue, now, logger } = options;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let sweptAtMs = Number.NEGATIVE_INFINITY;

  const round = async (): Promise<void> => {
    const sample = await nextDue.read();
    const due = sample.kind === 'reading' && sample.value !== null && sample.value <= now();
    let moved = due ? ((await transport.moveDue?.()) ?? 0) : 0;
    if (now() - sweptAtMs >= SWEEP_EVERY_MS) {
      sweptAtMs = now();
      moved += (await transport.sweepClaims?.())?.restored ?? 0;
    }
    if (moved > 0) logger.info({ messages: moved }, 'put back messages that were due or that dead workers held');
    if (due || moved > 0) options.onDue();
    if (stopped) return;
    const next = nextDue.sample;
    const untilDueMs = next.kind === 'reading' && next.value !== null ? next.value - now() : EVERY_MS;
    timer = setTimeout(begin, untilDueMs > 0 ? Math.min(EVERY_MS, untilDueMs) : EVERY_MS);
  };
  const begin = (): void => {
    round().catch((error: unknown) => {
      logger.warn({ err: error }, 'sweep failed');
      if (!stopped) timer = setTimeout(begin, EVERY_MS);
    });
  };
  begin();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
