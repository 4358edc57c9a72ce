import type { Logger } from '@celeriac/brokers';
import type { WorkerControl } from '../fleet/worker-control.ts';
import type { Inspection } from '../samplers/survey.ts';
import type { Answer, Effect } from '../scale-in/scale-in.ts';
import type { Target } from '../targets/target.ts';

/** A cordoned worker and the queues it no longer takes from. */
export interface Cordoned {
  readonly nodename: string;
  readonly queues: readonly string[];
}

/** Carries out the effects of scale-in and keeps their answers for the next step. */
export interface EffectRunner {
  readonly answers: Readonly<Record<string, Answer>>;
  /** Ids of replicas that were told to take nothing more and not yet told otherwise. */
  readonly cordoned: ReadonlySet<string>;
  /** The same with what it takes to take it back, by id. */
  readonly cordonedQueues: Readonly<Record<string, Cordoned>>;
  /** Goes on with what an earlier holder of the lease had cordoned; what we knew is forgotten. */
  adopt(left: Readonly<Record<string, Cordoned>>): void;
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
  /** Makes sure that whoever takes over from us knows whom we cordon. */
  readonly beforeCordon: () => Promise<void>;
  readonly onInspected: (answers: ReadonlyMap<string, Inspection>) => void;
  readonly onAnswer: () => void;
}

const unanswered: Answer = { cordonedAtMs: null, markedAtMs: null, uncordonedAtMs: null, failed: null };

export function createEffectRunner(options: EffectRunnerOptions): EffectRunner {
  const { target, control, now, logger } = options;
  const answers: Record<string, Answer> = {};
  const cordonedQueues = new Map<string, Cordoned>();
  const inspecting = new Set<string>();
  // One after the other for each replica: a cordon that comes late must not overtake the taking back.
  const asked = new Set<string>();
  const underWay = new Map<string, Promise<void>>();
  let told: Promise<void> | undefined;

  const note = (id: string, change: Partial<Answer>): void => {
    answers[id] = { ...(answers[id] ?? unanswered), ...change };
  };
  /** Once for all that are cordoned in one turn. */
  const tellSuccessor = (): Promise<void> => {
    told ??= Promise.resolve().then(() => {
      // Whoever is cordoned from here on is not in what is written now.
      told = undefined;
      return options.beforeCordon();
    });
    return told;
  };
  const perform = async (effect: Effect): Promise<void> => {
    switch (effect.kind) {
      case 'cordon':
        answers[effect.id] = unanswered;
        cordonedQueues.set(effect.id, { nodename: effect.nodename, queues: options.queues });
        await tellSuccessor();
        if (!options.mayAct()) return;
        cordonedQueues.set(effect.id, { nodename: effect.nodename, queues: await control.cordon(effect.nodename, options.queues) });
        note(effect.id, { cordonedAtMs: now() });
        return;
      case 'uncordon':
        await control.uncordon(effect.nodename, cordonedQueues.get(effect.id)?.queues ?? options.queues);
        await target.unmark([effect.id]);
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
        for (const id of effect.ids) note(id, { failed: null });
        await target.mark(effect.ids);
        for (const id of effect.ids) note(id, { markedAtMs: now() });
        return;
      case 'remove':
        for (const id of effect.ids) note(id, { failed: null });
        await target.remove(effect.ids, effect.replicas);
    }
  };
  const attempt = async (effect: Effect): Promise<void> => {
    try {
      if (options.mayAct()) await perform(effect);
    } catch (error) {
      const failed = error instanceof Error ? error.message : String(error);
      const ids = idsOf(effect);
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
    get cordonedQueues() {
      return Object.fromEntries(cordonedQueues);
    },
    adopt(left) {
      for (const id of Object.keys(answers)) delete answers[id];
      cordonedQueues.clear();
      for (const [id, cordoned] of Object.entries(left)) cordonedQueues.set(id, cordoned);
    },
    run(effects) {
      for (const effect of effects) {
        // Asked for again while it is still under way, as in an outage: once is enough.
        const ids = idsOf(effect);
        const name = `${effect.kind} ${ids.join(' ')}`;
        if (asked.has(name)) continue;
        asked.add(name);
        const running: Promise<void> = Promise.all(ids.map((id) => underWay.get(id)))
          .then(() => attempt(effect))
          .finally(() => {
            asked.delete(name);
            for (const id of ids) if (underWay.get(id) === running) underWay.delete(id);
          });
        for (const id of ids) underWay.set(id, running);
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

function idsOf(effect: Effect): readonly string[] {
  return 'ids' in effect ? effect.ids : [effect.id];
}
