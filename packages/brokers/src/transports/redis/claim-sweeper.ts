import type { RedisHub } from './redis-hub.ts';
import { RECOVER } from './scripts/recovery-scripts.ts';

const PAGE = 200;
const EVERY_MS = 2_000;

export interface SweptClaims {
  /** Messages put back. */
  readonly restored: number;
  /** Owners whose lease had ended. */
  readonly owners: number;
}

/** Puts back the claims of dead owners, page by page: any number of these may run at once. */
export interface ClaimSweeper {
  sweep(): Promise<SweptClaims>;
  /** Sweeps every few seconds, with jitter; returns how to stop. */
  start(): () => void;
}

export function createClaimSweeper(hub: RedisHub): ClaimSweeper {
  const { owners, unacked, unackedIndex, due, dueBuckets, claims } = hub.keys;
  let users = 0;
  let timer: NodeJS.Timeout | undefined;

  async function sweep(): Promise<SweptClaims> {
    let [restored, ended] = [0, 0];
    for (;;) {
      const keys = [owners, unacked, unackedIndex, due, dueBuckets];
      const [count, more, owner, done] = (await hub.run(RECOVER, keys, [claims, PAGE])) as readonly [number, number, Buffer, number];
      restored += count;
      ended += done;
      if (count > 0) hub.settings.logger.info({ owner: String(owner), restored: count }, 'put back the messages of a worker that is gone');
      if (more === 0) return { restored, owners: ended };
    }
  }

  const later = (): void => {
    timer = setTimeout(
      () => {
        const swept =
          hub.commands.current === undefined
            ? Promise.resolve()
            : sweep().then(
                () => {},
                () => {},
              );
        void swept.then(() => {
          if (users > 0 && !hub.isClosed) later();
        });
      },
      EVERY_MS * (0.5 + Math.random()),
    );
  };

  return {
    sweep,
    start() {
      if (++users === 1) later();
      let isOn = true;
      return () => {
        if (isOn && --users === 0) clearTimeout(timer);
        isOn = false;
      };
    },
  };
}
