import type { Lease } from './lease.ts';
import { volatileMemory } from './memory.ts';

/** The lease of an autoscaler that is the only one: always held until closed. */
export function singleLease(): Lease {
  let closed = false;
  return {
    start: () => Promise.resolve(),
    held: () => !closed,
    holder: null,
    memory: volatileMemory(),
    onChange: () => undefined,
    close: () => {
      closed = true;
      return Promise.resolve();
    },
  };
}
