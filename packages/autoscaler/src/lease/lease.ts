import type { LeaseMemory } from './memory.ts';

/** The autoscaler's right to act: of several autoscalers one holds it. */
export interface Lease {
  /** Begins to ask for it. Rejects with a CeleriacError where it can never be had (refused, badly named). */
  start(): Promise<void>;
  /** Whether we may act at this moment; asked right before every effect. */
  held(): boolean;
  /** Who holds it as far as is known, for people; null for nobody. */
  readonly holder: string | null;
  /** What must survive the holder. Read when the lease was taken, written while it is held. */
  readonly memory: LeaseMemory;
  /** Calls back when it was taken or lost. */
  onChange(listener: (held: boolean) => void): void;
  /** Writes what is to be remembered and gives the lease up. */
  close(): Promise<void>;
}
