import type { Logger } from '@celeriac/brokers';
import type { ReplicaSeen } from '../decide/seen.ts';
import type { WorkerControl } from '../fleet/worker-control.ts';
import type { Inspection } from '../samplers/survey.ts';

/** What workers do not say by themselves and are asked for: what they hold, and their concurrency. One question at a time. */
export class WorkerQuestions {
  readonly #inspections = new Map<string, Inspection>();
  readonly #slots = new Map<string, number>();
  readonly #control: WorkerControl;
  readonly #logger: Logger;
  readonly #onInspected: () => void;
  #asking = false;

  constructor(options: { readonly control: WorkerControl; readonly logger: Logger; readonly onInspected: () => void }) {
    this.#control = options.control;
    this.#logger = options.logger;
    this.#onInspected = options.onInspected;
  }

  /** What each held when it was asked last, by node name. */
  get inspections(): ReadonlyMap<string, Inspection> {
    return this.#inspections;
  }

  /** Concurrency of those that were asked for it, by node name. */
  get slots(): ReadonlyMap<string, number> {
    return this.#slots;
  }

  /** Asks these what they hold, unless a question is under way. */
  inspect(nodenames: readonly string[]): void {
    this.#ask('what they hold', async () => this.take(await this.#control.inspect(nodenames)));
  }

  /** Takes in answers, whoever asked. */
  take(answers: ReadonlyMap<string, Inspection>): void {
    for (const [nodename, inspection] of answers) this.#inspections.set(nodename, inspection);
    if (answers.size > 0) this.#onInspected();
  }

  /** Forgets workers that are gone. */
  keepOnly(nodenames: ReadonlySet<string>): void {
    for (const known of [this.#inspections, this.#slots]) for (const name of known.keys()) if (!nodenames.has(name)) known.delete(name);
  }

  /** Python workers state their concurrency only when asked: each that has not is asked once. */
  learnSlots(replicas: readonly ReplicaSeen[]): void {
    const silent = replicas.flatMap((replica) =>
      replica.phase === 'ready' && replica.slots === null && replica.nodename !== null ? [replica.nodename] : [],
    );
    if (silent.length === 0) return;
    this.#ask('for their concurrency', async () => {
      for (const [nodename, slots] of await this.#control.slots(silent)) this.#slots.set(nodename, slots);
    });
  }

  #ask(what: string, question: () => Promise<void>): void {
    if (this.#asking) return;
    this.#asking = true;
    question()
      .catch((error: unknown) => this.#logger.warn({ err: error }, `workers could not be asked ${what}`))
      .finally(() => {
        this.#asking = false;
      });
  }
}
