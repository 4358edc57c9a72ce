// In which order effects reach the world, and which of them do not: written down as they arrive.

import { silentLogger } from '@celeriac/brokers';
import { describe, expect, it } from 'vitest';
import { until } from '../../../../test/until.ts';
import type { WorkerControl } from '../../src/fleet/worker-control.ts';
import { createEffectRunner, type EffectRunner } from '../../src/loop/effects.ts';
import type { Effect } from '../../src/scale-in/scale-in.ts';
import type { Target } from '../../src/targets/target.ts';

interface World {
  readonly runner: EffectRunner;
  readonly happened: string[];
  /** What was last told to a successor. */
  readonly told: () => { readonly cordoned: readonly string[]; readonly removing: readonly string[] };
  mayAct: boolean;
  /** Held up until resolved, by the name of what happened. */
  readonly held: Map<string, PromiseWithResolvers<void>>;
  readonly failing: Set<string>;
}

const unused: Omit<Target, 'mark' | 'unmark' | 'remove' | 'fence'> = {
  kind: 'test',
  look: () => expect.fail('effects do not look'),
  grow: () => expect.fail('effects do not grow'),
  heard: () => undefined,
  forgive: () => undefined,
  observe: () => undefined,
  onChange: () => undefined,
  close: () => Promise.resolve([]),
};

function world(): World {
  const happened: string[] = [];
  const held = new Map<string, PromiseWithResolvers<void>>();
  const failing = new Set<string>();
  let told: ReturnType<World['told']> = { cordoned: [], removing: [] };
  const happens = async (name: string): Promise<void> => {
    happened.push(name);
    await held.get(name)?.promise;
    if (failing.has(name)) throw new Error(`${name} failed`);
  };
  const target: Target = {
    ...unused,
    mark: (ids) => happens(`mark ${ids.join(' ')}`),
    unmark: (ids) => happens(`unmark ${ids.join(' ')}`),
    remove: (ids) => happens(`remove ${ids.join(' ')}`),
    fence: () => happens('fence'),
  };
  const control: WorkerControl = {
    async cordon(nodename, queues, mayTell) {
      await happens(`ask ${nodename}`);
      if (mayTell?.() === false) throw new Error('the right is gone');
      await happens(`cordon ${nodename}`);
      return queues;
    },
    uncordon: (nodename) => happens(`uncordon ${nodename}`),
    inspect: () => Promise.resolve(new Map()),
    slots: () => Promise.resolve(new Map()),
  };
  const made: Omit<World, 'runner'> = { happened, told: () => told, mayAct: true, held, failing };
  const runner: EffectRunner = createEffectRunner({
    target,
    control,
    queues: ['q'],
    now: () => 1,
    logger: silentLogger,
    mayAct: () => made.mayAct,
    tellSuccessor: () => {
      told = { cordoned: [...runner.cordoned], removing: runner.removing };
      return happens('tell');
    },
    onInspected: () => undefined,
    onAnswer: () => undefined,
  });
  return Object.assign(made, { runner });
}

const cordon = (id: string): Effect => ({ kind: 'cordon', id, nodename: id });
const uncordon = (id: string): Effect => ({ kind: 'uncordon', id, nodename: id, why: 'test' });
const remove = (...ids: string[]): Effect => ({ kind: 'remove', ids, replicas: 0 });

describe('what a successor must know', () => {
  it('is written before a worker is cordoned, once for all of a turn', async () => {
    const { runner, happened, told } = world();
    runner.run([cordon('a'), cordon('b')]);
    await runner.settled();
    expect(happened).toEqual(['tell', 'ask a', 'ask b', 'cordon a', 'cordon b']);
    expect(told().cordoned).toEqual(['a', 'b']);
  });

  it('is written before replicas are taken out', async () => {
    const { runner, happened, told } = world();
    runner.run([remove('a', 'b')]);
    await runner.settled();
    expect(happened).toEqual(['tell', 'remove a b']);
    expect(told().removing).toEqual(['a', 'b']);
  });

  it('that cannot be written keeps it from being done', async () => {
    const { runner, happened, failing } = world();
    failing.add('tell');
    runner.run([cordon('a'), remove('b')]);
    await runner.settled();
    expect(new Set(happened)).toEqual(new Set(['tell']));
    expect([runner.answers['a']?.failed, runner.answers['b']?.failed]).toEqual(['tell failed', 'tell failed']);
  });
});

describe('a replica that a shrink was asked for', () => {
  it('is given back only behind a fence, also when the shrink failed', async () => {
    const { runner, happened, failing } = world();
    failing.add('remove a b');
    runner.run([remove('a', 'b')]);
    await runner.settled();
    runner.run([uncordon('a')]);
    await runner.settled();
    runner.run([uncordon('b'), uncordon('c')]);
    await runner.settled();
    // One fence covers all that was asked for before it.
    expect(happened.slice(0, 5)).toEqual(['tell', 'remove a b', 'fence', 'unmark a', 'uncordon a']);
    // Who was to be taken out is first of all no longer the first to go; anybody else first works again.
    const order = (...what: readonly string[]): readonly number[] => what.map((one) => happened.indexOf(one));
    expect(order('unmark b', 'uncordon b')).toEqual(order('unmark b', 'uncordon b').toSorted((a, b) => a - b));
    expect(order('uncordon c', 'unmark c')).toEqual(order('uncordon c', 'unmark c').toSorted((a, b) => a - b));
    expect(happened).toHaveLength(9);
  });

  it('stays cordoned while the fence fails', async () => {
    const { runner, happened, failing } = world();
    failing.add('fence');
    runner.run([remove('a')]);
    runner.run([uncordon('a')]);
    await runner.settled();
    expect(happened).toEqual(['tell', 'remove a', 'fence']);
    failing.clear();
    runner.run([uncordon('a')]);
    await runner.settled();
    expect(happened.slice(3)).toEqual(['fence', 'unmark a', 'uncordon a']);
  });

  it('is not covered by a fence that began while its shrink was under way', async () => {
    const { runner, happened, held } = world();
    runner.run([remove('a')]);
    await runner.settled();
    held.set('remove b', Promise.withResolvers());
    runner.run([remove('b')]);
    runner.run([uncordon('a')]);
    await until(() => happened.includes('uncordon a'));
    expect(runner.removing).toEqual(['b']);
    held.get('remove b')?.resolve();
    runner.run([uncordon('b')]);
    await runner.settled();
    expect(happened.filter((name) => name === 'fence')).toHaveLength(2);
  });
});

describe('taking over', () => {
  const left = { cordoned: { a: { nodename: 'a', queues: ['q', 'other'] } }, removing: ['a', 'starting'] };

  it('fences what the last holder may have under way, until that works', async () => {
    const { runner, happened, failing } = world();
    runner.adopt(left);
    failing.add('fence');
    expect(await runner.fenced()).toBe(false);
    // Gone from sight proves nothing: another may still go by that shrink.
    runner.keepOnly(new Set());
    expect(runner.removing).toEqual(['a', 'starting']);
    failing.clear();
    expect(await runner.fenced()).toBe(true);
    expect(await runner.fenced()).toBe(true);
    expect(happened).toEqual(['fence', 'fence']);
    expect(runner.removing).toEqual([]);
  });

  it('fences nothing where nothing was being taken out', async () => {
    const { runner, happened } = world();
    runner.adopt({ ...left, removing: [] });
    expect(await runner.fenced()).toBe(true);
    runner.run([uncordon('a')]);
    await runner.settled();
    expect(happened).toEqual(['uncordon a', 'unmark a']);
  });

  it('leaves undone what was asked for in an earlier holding of the lease', async () => {
    const { runner, happened, held } = world();
    held.set('tell', Promise.withResolvers());
    runner.run([cordon('a'), remove('b')]);
    runner.run([uncordon('a')]);
    await until(() => happened.includes('tell'));
    runner.adopt(null);
    held.get('tell')?.resolve();
    await runner.settled();
    expect(happened).toEqual(['tell']);
  });

  it('cordons nobody when the lease is lost while the worker is asked for its queues', async () => {
    const made = world();
    made.held.set('ask a', Promise.withResolvers());
    made.runner.run([cordon('a')]);
    await until(() => made.happened.includes('ask a'));
    made.mayAct = false;
    made.held.get('ask a')?.resolve();
    await made.runner.settled();
    expect(made.happened).toEqual(['tell', 'ask a']);
  });
});
