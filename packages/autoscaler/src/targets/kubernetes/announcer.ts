import type { EventWriter } from '../../kubernetes/event-writer.ts';
import type { SlimDeployment } from '../../kubernetes/slim.ts';

/** Something that lasts and is worth an Event when it begins. */
export interface Condition {
  /** Event reason, a word in UpperCamelCase. */
  readonly reason: string;
  readonly message: string;
  /** What makes it another one, such as the reason a pod is stuck for; default the message. */
  readonly key?: string;
}

const AGAIN_MS = 600_000;

/** Events on one Deployment: what happens is told at once, what lasts when it begins and every ten minutes. */
export class Announcer {
  readonly #events: EventWriter;
  readonly #mayWrite: () => boolean;
  readonly #toldAtMs = new Map<string, number>();
  readonly #telling = new Set<string>();

  constructor(events: EventWriter, mayWrite: () => boolean) {
    this.#events = events;
    this.#mayWrite = mayWrite;
  }

  happened(deployment: SlimDeployment, type: 'Normal' | 'Warning', reason: string, message: string): void {
    void this.#record(deployment, type, reason, message);
  }

  /** These hold now; those told of before that no longer do are forgotten. */
  lasting(nowMs: number, deployment: SlimDeployment, conditions: readonly Condition[]): void {
    const keys = new Map(conditions.map((condition) => [`${condition.reason} ${condition.key ?? condition.message}`, condition]));
    for (const key of this.#toldAtMs.keys()) if (!keys.has(key)) this.#toldAtMs.delete(key);
    for (const [key, { reason, message }] of keys) {
      const told = this.#toldAtMs.get(key);
      if ((told !== undefined && nowMs - told < AGAIN_MS) || this.#telling.has(key)) continue;
      this.#telling.add(key);
      void this.#record(deployment, 'Warning', reason, message).then((done) => {
        this.#telling.delete(key);
        if (done) this.#toldAtMs.set(key, nowMs);
      });
    }
  }

  #record({ namespace, name, uid }: SlimDeployment, type: 'Normal' | 'Warning', reason: string, message: string): Promise<boolean> {
    return this.#events.record({ deployment: { namespace, name, uid }, type, reason, message, mayWrite: this.#mayWrite });
  }
}
