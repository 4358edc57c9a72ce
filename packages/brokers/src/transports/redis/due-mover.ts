import type { RedisHub } from './redis-hub.ts';
import { MOVE_DUE } from './scripts/recovery-scripts.ts';

const PAGE = 200;
const LOOK_EVERY_MS = 1_000;

/** Moves parked messages back when they are due: at the time known to be next, and once a second for what others have parked. */
export interface DueMover {
  /** Begins or goes on for one more user; returns how to stop. `onMoved` is told when messages have come back. */
  start(onMoved: () => void): () => void;
  /** Something has been parked until then. */
  expect(dueAtMs: number): void;
  /** Moves what is due now; resolves with the number. */
  move(): Promise<number>;
}

export function createDueMover(hub: RedisHub): DueMover {
  const { unacked, unackedIndex, due, dueBuckets } = hub.keys;
  const users = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;
  let firesAtMs = 0;

  const arm = (delayMs: number): void => {
    if (users.size === 0 || hub.isClosed) return;
    clearTimeout(timer);
    const boundedMs = Math.max(1, Math.min(LOOK_EVERY_MS, delayMs));
    firesAtMs = performance.now() + boundedMs;
    timer = setTimeout(() => void look(), boundedMs);
  };

  async function look(): Promise<void> {
    let nextMs: number = LOOK_EVERY_MS;
    try {
      if (hub.commands.current !== undefined) nextMs = (await moveAll()).nextMs;
    } catch (error) {
      if (!hub.isClosed) hub.settings.logger.debug({ error: String(error) }, 'parked messages could not be looked at');
    }
    arm(nextMs);
  }

  async function moveAll(): Promise<{ moved: number; nextMs: number }> {
    let moved = 0;
    for (;;) {
      const reply = (await hub.run(MOVE_DUE, [unacked, unackedIndex, due, dueBuckets], [PAGE])) as readonly [number, Buffer];
      moved += reply[0];
      if (reply[0] > 0) for (const tell of users) tell();
      const next = String(reply[1]);
      if (next !== '0' || reply[0] === 0) return { moved, nextMs: next === '' ? LOOK_EVERY_MS : Number(next) };
    }
  }

  return {
    start(onMoved) {
      users.add(onMoved);
      if (users.size === 1) arm(1);
      return () => {
        users.delete(onMoved);
        if (users.size === 0) clearTimeout(timer);
      };
    },
    expect(dueAtMs) {
      const delayMs = dueAtMs - Date.now();
      if (performance.now() + delayMs < firesAtMs) arm(delayMs);
    },
    move: async () => (await moveAll()).moved,
  };
}
