// Several contenders, a server that answers late or not at all, clocks that run apart, processes that stop in any place: never two holders.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type Contender,
  defaultLeaseTimings,
  type ElectionEffect,
  type ElectionSeen,
  type ElectionState,
  initialElection,
  isHeld,
  type LeaseSighting,
  step,
} from '../../src/lease/election.ts';

/** How far a clock may run fast or slow: 15 s of the fastest are still more than 10 s of the slowest. */
const DRIFT = 0.15;

interface Player {
  readonly self: Contender;
  /** Of its clock against real time. */
  readonly rate: number;
  readonly offsetMs: number;
  state: ElectionState;
  /** Real time at which it goes on; before that it is stopped and handles nothing. */
  stoppedUntilMs: number;
  alive: boolean;
}

interface Happening {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Numbers that a seed gives one after the other, all in [0, 1). */
type Draw = () => number;

interface Outcome {
  readonly most: number;
  readonly takeovers: number;
  /** Real time in which nobody held it while somebody was alive and the server answered, longest stretch. */
  readonly ended: ElectionState[];
}

function play(draw: Draw, options: { readonly players: number; readonly untilMs: number; readonly unkind: number }): Outcome {
  let nowMs = 0;
  let order = 0;
  let version = 1;
  let record: LeaseSighting | null = null;
  let most = 0;
  let takeovers = 0;
  const agenda: Happening[] = [];
  const at = (atMs: number, run: () => void): void => {
    agenda.push({ atMs: Math.max(nowMs, atMs), order: order++, run });
  };
  const unkind = (): boolean => draw() < options.unkind;
  const clock = (player: Player): number => player.offsetMs + nowMs * player.rate;
  const players = Array.from({ length: options.players }, (_, index): Player => {
    const rate = 1 + DRIFT * (2 * draw() - 1);
    const self = { identity: `c${index}`, timings: defaultLeaseTimings };
    return { self, rate, offsetMs: draw() * 1e9, state: initialElection, stoppedUntilMs: 0, alive: true };
  });

  const serve = (player: Player, effect: Exclude<ElectionEffect, { kind: 'wait' }>): 'refused' | LeaseSighting | null => {
    if (effect.kind === 'read') return record;
    if ((record?.version ?? null) !== effect.over) return 'refused';
    if (effect.takes) takeovers += 1;
    version += 1;
    record = {
      version: String(version),
      holder: player.self.identity,
      durationMs: 15_000,
      transitions: effect.transitions,
      sign: `${player.self.identity} ${version}`,
    };
    return record;
  };
  /** As a client: gives up after 5 s of its own clock, and what it sent may still arrive later. */
  const perform = (player: Player, effect: Exclude<ElectionEffect, { kind: 'wait' }>, askedAtMs: number): void => {
    let done = false;
    const finish = (seen: ElectionSeen): void => {
      if (done) return;
      done = true;
      advance(player, seen);
    };
    const random = draw();
    const goes = unkind() ? draw() * 40_000 : draw() * 20;
    const comes = unkind() ? draw() * 40_000 : draw() * 20;
    const lost = unkind() && draw() < 0.3;
    // Stopped while the request is under way: an answer may lie there for long before it is looked at.
    if (unkind()) {
      at(nowMs + draw() * 40, () => {
        player.stoppedUntilMs = nowMs + draw() * 40_000;
      });
    }
    at(nowMs + goes, () => {
      if (lost && draw() < 0.5) return;
      const answer = serve(player, effect);
      if (lost) return;
      at(nowMs + comes, () => {
        if (answer === 'refused') finish({ kind: 'refused', random });
        else if (effect.kind === 'read') finish({ kind: 'read', sighting: answer, random });
        else if (answer !== null) finish({ kind: 'written', sighting: answer, askedAtMs });
      });
    });
    at(nowMs + 5_000 / player.rate, () => finish({ kind: 'failed', random }));
  };
  const advance = (player: Player, seen: ElectionSeen): void => {
    if (!player.alive) return;
    if (nowMs < player.stoppedUntilMs) {
      at(player.stoppedUntilMs, () => advance(player, seen));
      return;
    }
    const { state, effect } = step(clock(player), player.state, seen, player.self);
    player.state = state;
    if (unkind()) player.stoppedUntilMs = nowMs + draw() * 40_000;
    if (effect.kind === 'wait') at(nowMs + effect.forMs / player.rate, () => advance(player, { kind: 'due' }));
    else {
      const askedAtMs = clock(player);
      // Stopped between deciding to send and sending: the bytes leave when it goes on.
      if (nowMs < player.stoppedUntilMs) at(player.stoppedUntilMs, () => perform(player, effect, askedAtMs));
      else perform(player, effect, askedAtMs);
    }
    if (unkind() && draw() < 0.1) player.alive = false;
  };

  for (const player of players) at(draw() * 5_000, () => advance(player, { kind: 'due' }));
  for (;;) {
    agenda.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
    const next = agenda.shift();
    if (next === undefined || next.atMs > options.untilMs) break;
    nowMs = next.atMs;
    next.run();
    const holders = players.filter((player) => isHeld(clock(player), player.state)).length;
    most = Math.max(most, holders);
  }
  return { most, takeovers, ended: players.map((player) => player.state) };
}

const drawing = (numbers: readonly number[], seed: number): Draw => {
  let index = 0;
  let state = seed >>> 0 || 1;
  return () => {
    const given = numbers[index++];
    if (given !== undefined) return given;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
};

it('never has two holders, whatever is late, lost, stopped or dead', () => {
  let takeovers = 0;
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 400 }),
      fc.integer({ min: 1 }),
      fc.integer({ min: 2, max: 4 }),
      fc.constantFrom(0.02, 0.1, 0.3),
      (numbers, seed, players, unkind) => {
        const outcome = play(drawing(numbers, seed), { players, untilMs: 300_000, unkind });
        takeovers += outcome.takeovers;
        expect(outcome.most).toBeLessThanOrEqual(1);
      },
    ),
    { numRuns: 1_500 },
  );
  // It would be no use if nobody ever held it, or if it never changed hands.
  expect(takeovers).toBeGreaterThan(3_000);
});

it('is taken by somebody at once where all goes well, and stays there', () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const outcome = play(drawing([], seed), { players: 3, untilMs: 60_000, unkind: 0 });
    expect(outcome.takeovers).toBe(1);
    expect(outcome.most).toBe(1);
  }
});
