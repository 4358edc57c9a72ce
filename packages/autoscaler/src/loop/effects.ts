import type { Logger } from '@celeriac/brokers';
import type { WorkerControl } from '../fleet/worker-control.ts';
import type { Inspection } from '../samplers/survey.ts';
import type { Answer, Effect } from '../scale-in/scale-in.ts';
import type { Target } from '../targets/target.ts';

/** Carries out the effects of scale-in and keeps their answers for the next step. */
export interface EffectRunner {
  readonly answers: Readonly<Record<string, Answer>>;
  /** Ids of replicas that were told to take nothing more and not yet told otherwise. */
  readonly cordoned: ReadonlySet<string>;
  /** Begins them; answers arrive later, each with a call back. */
  run(effects: readonly Effect[]): void;
  /** Drops what is known of replicas that are gone. */
  keepOnly(ids: ReadonlySet<string>): void;
  /** Resolves when nothing is under way. */
  settled(): Promise<void>;
}

export interface EffectRunnerOptions {
  readonly target: Target;
  readonly control: WorkerControl;
  /** The pool's queues; those a worker serves beside them are found by asking it. */
  readonly queues: readonly string[];
  readonly now: () => number;
  readonly logger: Logger;
  /** Asked right before each effect; false leaves it undone. */
  readonly mayAct: () => boolean;
  readonly onInspected: (answers: ReadonlyMap<string, Inspection>) => void;
  readonly onAnswer: () => void;
}

const unanswered: Answer = { cordonedAtMs: null, markedAtMs: null, uncordonedAtMs: null, failed: null };

export function createEffectRunner(options: EffectRunnerOptions): EffectRunner {
  const { target, control, now, logger } = options;
  const answers: Record<string, Answer> = {};
  const cordonedQueues = new Map<string, readonly string[]>();
  const inspecting = new Set<string>();
  // One after the other for each replica: a cordon that comes late must not overtake the taking back.
  const asked = new Set<string>();
  const underWay = new Map<string, Promise<void>>();

  const note = (id: string, change: Partial<Answer>): void => {
    answers[id] = { ...(answers[id] ?? unanswered), ...change };
  };
  const perform = async (effect: Effect): Promise<void> => {
    switch (effect.kind) {
      case 'cordon':
        answers[effect.id] = unanswered;
        cordonedQueues.set(effect.id, options.queues);
        cordonedQueues.set(effect.id, await control.cordon(effect.nodename, options.queues));
        note(effect.id, { cordonedAtMs: now() });
        return;
      case 'uncordon':
        await control.uncordon(effect.nodename, cordonedQueues.get(effect.id) ?? options.queues);
        cordonedQueues.delete(effect.id);
        note(effect.id, { uncordonedAtMs: now() });
        return;
      case 'inspect':
        if (inspecting.has(effect.id)) return;
        inspecting.add(effect.id);
        try {
          options.onInspected(await control.inspect([effect.nodename]));
        } finally {
          inspecting.delete(effect.id);
        }
        return;
      case 'mark':
        await target.mark(effect.ids);
        for (const id of effect.ids) note(id, { markedAtMs: now() });
        return;
      case 'remove':
        await target.remove(effect.ids, effect.replicas);
    }
  };
  const attempt = async (effect: Effect): Promise<void> => {
    try {
      if (options.mayAct()) await perform(effect);
    } catch (error) {
      const failed = error instanceof Error ? error.message : String(error);
      const ids = 'ids' in effect ? effect.ids : [effect.id];
      for (const id of ids) note(id, { failed });
      logger.warn({ err: error, effect: effect.kind, replicas: ids }, 'scale-in effect failed');
    }
    options.onAnswer();
  };

  return {
    answers,
    get cordoned() {
      return new Set(cordonedQueues.keys());
    },
    run(effects) {
      for (const effect of effects) {
        // Asked for again while it is still under way, as in an outage: once is enough.
        const name = `${effect.kind} ${'ids' in effect ? effect.ids.join(' ') : effect.id}`;
        if (asked.has(name)) continue;
        asked.add(name);
        const key = 'ids' in effect ? effect.ids.join(' ') : effect.id;
        const running: Promise<void> = (underWay.get(key) ?? Promise.resolve())
          .then(() => attempt(effect))
          .finally(() => {
            asked.delete(name);
            if (underWay.get(key) === running) underWay.delete(key);
          });
        underWay.set(key, running);
      }
    },
    keepOnly(ids) {
      for (const id of Object.keys(answers)) if (!ids.has(id)) delete answers[id];
      for (const id of cordonedQueues.keys()) if (!ids.has(id)) cordonedQueues.delete(id);
    },
    async settled() {
      await Promise.all(underWay.values());
    },
  };
}
