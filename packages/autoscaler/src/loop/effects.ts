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
  /** Ids of replicas that a shrink was asked for which may still take effect. */
  readonly removing: readonly string[];
  /** Goes on with what an earlier holder of the lease had under way; what we knew is forgotten, what was to be done is not done. */
  adopt(left: { readonly cordoned: Readonly<Record<string, Cordoned>>; readonly removing: readonly string[] } | null): void;
  /** Makes sure that what an earlier holder of the lease had asked for cannot take effect any more; false while that is not certain. */
  fenced(): Promise<boolean>;
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
  /** Makes sure that whoever takes over from us knows whom we cordon and take out. */
  readonly tellSuccessor: () => Promise<void>;
  readonly onInspected: (answers: ReadonlyMap<string, Inspection>) => void;
  readonly onAnswer: () => void;
}

const unanswered: Answer = { cordonedAtMs: null, markedAtMs: null, uncordonedAtMs: null, failed: null };

export function createEffectRunner(options: EffectRunnerOptions): EffectRunner {
  const { target, control, now, logger } = options;
  const answers: Record<string, Answer> = {};
  const cordonedQueues = new Map<string, Cordoned>();
  const inspecting = new Set<string>();
  const removing = new Set<string>();
  /** Asked to be taken out, fenced or not. */
  const shrunkBy = new Set<string>();
  const sending = new Set<string>();
  let owed = false;
  let life = 0;
  // One after the other for each replica: a cordon that comes late must not overtake the taking back.
  const asked = new Set<string>();
  const underWay = new Map<string, Promise<void>>();
  let told: Promise<void> | undefined;

  const note = (id: string, change: Partial<Answer>): void => {
    answers[id] = { ...(answers[id] ?? unanswered), ...change };
  };
  /** Once for all that are cordoned or taken out in one turn. */
  const tellSuccessor = (): Promise<void> => {
    told ??= Promise.resolve().then(() => {
      // Whoever is cordoned from here on is not in what is written now.
      told = undefined;
      return options.tellSuccessor();
    });
    return told;
  };
  /** A shrink that went unanswered, or that somebody sent who has lost the lease since, may come about long after. */
  const fence = async (): Promise<void> => {
    const asked = [...removing].filter((id) => !sending.has(id));
    await target.fence?.();
    for (const id of asked) removing.delete(id);
  };
  /** Where it cannot be written now the target sweeps it up later. */
  const unmark = (id: string): Promise<void> =>
    target.unmark([id]).catch((error: unknown) => logger.warn({ err: error, replica: id }, 'a mark stays for now'));
  const backToWork = ({ id, nodename }: { readonly id: string; readonly nodename: string }): Promise<void> =>
    control.uncordon(nodename, cordonedQueues.get(id)?.queues ?? options.queues);
  const perform = async (effect: Effect, mayAct: () => boolean): Promise<void> => {
    switch (effect.kind) {
      case 'cordon':
        answers[effect.id] = unanswered;
        cordonedQueues.set(effect.id, { nodename: effect.nodename, queues: options.queues });
        await tellSuccessor();
        if (!mayAct()) return;
        cordonedQueues.set(effect.id, {
          nodename: effect.nodename,
          queues: await control.cordon(effect.nodename, options.queues, mayAct),
        });
        note(effect.id, { cordonedAtMs: now() });
        return;
      case 'uncordon':
        if (removing.has(effect.id) || shrunkBy.has(effect.id)) {
          // A task that it takes from here on must not be ended by a shrink from before, nor by one that is written and not carried out yet.
          if (removing.has(effect.id)) await fence();
          await unmark(effect.id);
          if (!mayAct()) return;
          await backToWork(effect);
        } else {
          if (!mayAct()) return;
          await backToWork(effect);
          await unmark(effect.id);
        }
        shrunkBy.delete(effect.id);
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
        for (const id of effect.ids) {
          note(id, { failed: null });
          removing.add(id);
          shrunkBy.add(id);
          sending.add(id);
        }
        try {
          await tellSuccessor();
          if (mayAct()) await target.remove(effect.ids, effect.replicas);
        } finally {
          for (const id of effect.ids) sending.delete(id);
        }
    }
  };
  const attempt = async (effect: Effect, mayAct: () => boolean): Promise<void> => {
    try {
      if (mayAct()) await perform(effect, mayAct);
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
    get removing() {
      return [...removing];
    },
    adopt(left) {
      life += 1;
      for (const id of Object.keys(answers)) delete answers[id];
      cordonedQueues.clear();
      for (const [id, cordoned] of Object.entries(left?.cordoned ?? {})) cordonedQueues.set(id, cordoned);
      for (const id of left?.removing ?? []) {
        removing.add(id);
        shrunkBy.add(id);
      }
      owed = removing.size > 0;
    },
    async fenced() {
      if (!owed) return true;
      try {
        await fence();
        owed = false;
      } catch (error) {
        logger.warn({ err: error }, 'shrinks of the last holder of the lease may still be under way: nothing is taken out');
      }
      return !owed;
    },
    run(effects) {
      const begunIn = life;
      const mayAct = (): boolean => begunIn === life && options.mayAct();
      for (const effect of effects) {
        // Asked for again while it is still under way, as in an outage: once is enough.
        const ids = idsOf(effect);
        const name = `${effect.kind} ${ids.join(' ')}`;
        if (asked.has(name)) continue;
        asked.add(name);
        const running: Promise<void> = Promise.all(ids.map((id) => underWay.get(id) ?? Promise.resolve()))
          .then(() => attempt(effect, mayAct))
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
      for (const id of shrunkBy) if (!ids.has(id)) shrunkBy.delete(id);
      // Not before it is certain whether they are gone by that shrink: another may go by it in their place.
      if (!owed) for (const id of removing) if (!ids.has(id) && !sending.has(id)) removing.delete(id);
    },
    async settled() {
      await Promise.all(underWay.values());
    },
  };
}

function idsOf(effect: Effect): readonly string[] {
  return 'ids' in effect ? effect.ids : [effect.id];
}
