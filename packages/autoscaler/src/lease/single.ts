import type { Lease } from './lease.ts';

/** The lease of an autoscaler that is the only one: always held until closed. */
export function singleLease(): Lease {
  let closed = false;
  return {
    held: () => !closed,
    close: () => {
      closed = true;
      return Promise.resolve();
    },
  };
}
