import type { Settlement } from '../outcome/settlement.ts';
import { CHILD_EXIT_REASONS, type ChildExitReason } from '../pool/pool.ts';

/** Counts of one task name. */
export interface TaskCounts {
  started: number;
  runtimeMs: number;
  readonly ended: Map<Settlement['kind'], number>;
}

/** What the worker has done since it began: for heartbeats, `inspect stats` and /metrics. One entry for each registered task. */
export class Tally {
  readonly byTask: Map<string, TaskCounts> = new Map();
  /** Messages quarantined, by code. */
  readonly quarantined: Map<string, number> = new Map();
  /** Child processes that are gone, by reason; each is there from the start. */
  readonly childExits: Map<ChildExitReason, number> = new Map(CHILD_EXIT_REASONS.map((reason) => [reason, 0]));
  #processed = 0;

  /** Runs begun, as Celery's `processed`. */
  get processed(): number {
    return this.#processed;
  }

  started(taskName: string): void {
    this.#processed += 1;
    this.#of(taskName).started += 1;
  }

  childExited(reason: ChildExitReason): void {
    this.childExits.set(reason, (this.childExits.get(reason) ?? 0) + 1);
  }

  ran(taskName: string, durationMs: number): void {
    this.#of(taskName).runtimeMs += durationMs;
  }

  /** @param taskName null where the message did not say, or named no registered task */
  ended(taskName: string | null, settlement: Settlement): void {
    if (settlement.ending.kind === 'quarantine') {
      this.quarantined.set(settlement.ending.code, (this.quarantined.get(settlement.ending.code) ?? 0) + 1);
    }
    if (taskName === null) return;
    const { ended } = this.#of(taskName);
    ended.set(settlement.kind, (ended.get(settlement.kind) ?? 0) + 1);
  }

  #of(taskName: string): TaskCounts {
    let counts = this.byTask.get(taskName);
    if (counts === undefined) {
      counts = { started: 0, runtimeMs: 0, ended: new Map() };
      this.byTask.set(taskName, counts);
    }
    return counts;
  }
}
