import type { Gaps } from '../../window/gaps.ts';
import type { HighWaterEntry } from '../../window/high-water.ts';
import type { ReasonCode } from '../decision.ts';
import type { Facts } from '../facts.ts';
import type { PoolSeen } from '../seen.ts';

/** What a guard may look at beside the number it is handed. */
export interface GuardInput {
  readonly facts: Facts;
  /** What others say of the pool: people, a schedule, a budget, another writer. */
  readonly seen: Pick<PoolSeen, 'orders' | 'schedule' | 'grant' | 'hold'>;
  /** The highest wish of the down-delay window, this one included. */
  readonly highest: HighWaterEntry;
  /** When how many replicas were needed, this wish included. */
  readonly gaps: Gaps;
}

/** A guard's change of the number. */
export interface Ruling {
  readonly to: number;
  readonly reason: ReasonCode;
  /** One sentence for people. */
  readonly text: string;
  /** When it may rule otherwise by the clock alone, epoch ms. */
  readonly untilMs?: number;
  /** Node names that must be asked for what they hold. */
  readonly ask?: readonly string[];
}

/** Hands back a change, or null to let the number pass. Pure; one rule each. */
export type Guard = (to: number, input: GuardInput) => Ruling | null;
