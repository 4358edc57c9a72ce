import { randomBytes } from 'node:crypto';
import type { RedisHub } from './redis-hub.ts';
import { END_OWNER, REFRESH_CLAIMS, REGISTER_OWNER, RENEW_OWNER } from './scripts/claim-scripts.ts';

/** One owner of claims, alive as long as it renews its lease by the server's clock. A lease that has ended never comes back: another owner follows. */
export interface OwnerLease {
  readonly owner: string;
  readonly claimsKey: string;
  /** Tags of its claims are this and a counter. */
  readonly tagBase: string;
  readonly isLost: boolean;
  register(): Promise<void>;
  /** Resolves false once the lease has ended. */
  renew(): Promise<boolean>;
  lose(): void;
  /** Forgets the owner, or gives its remaining claims up to be put back at once. */
  end(): Promise<void>;
}

export function createOwnerLease(hub: RedisHub, name: string): OwnerLease {
  const { leaseMs } = hub.keys;
  const base = randomBytes(9).toString('base64url');
  const owner = `${name}/${base}`;
  const claimsKey = hub.keys.claims + owner;
  let isLost = false;
  return {
    owner,
    claimsKey,
    tagBase: `celeriac.${base}.`,
    get isLost() {
      return isLost;
    },
    async register() {
      await hub.run(REGISTER_OWNER, [hub.keys.owners], [owner, leaseMs]);
    },
    async renew() {
      if (!isLost && (await hub.run(RENEW_OWNER, [hub.keys.owners], [owner, leaseMs])) === 0) isLost = true;
      return !isLost;
    },
    lose() {
      isLost = true;
    },
    async end() {
      await hub.run(END_OWNER, [hub.keys.owners, claimsKey], [owner]);
    },
  };
}

const REFRESH_PAGE = 500;

/** Moves the claim time of held claims to now, so that no peer's visibility timeout takes them. */
export async function refreshClaims(hub: RedisHub, tags: readonly string[]): Promise<void> {
  for (let at = 0; at < tags.length; at += REFRESH_PAGE) {
    await hub.run(REFRESH_CLAIMS, [hub.keys.unackedIndex], tags.slice(at, at + REFRESH_PAGE));
  }
}
