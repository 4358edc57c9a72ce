import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FeedConsumer, planCredit, shareCredit } from '../../src/transports/amqp/credit-plan.ts';

/** Takes steps until there is nothing to do; `fill` says how much of each new consumer is held at once. */
function settle(target: number, orphanedBefore: number, before: readonly FeedConsumer[], fill: number) {
  let consumers = [...before];
  let orphaned = orphanedBefore;
  for (let steps = 0; steps < 50; steps++) {
    const step = planCredit(target, orphaned, consumers);
    if (step.kind === 'none') return { consumers, orphaned, steps };
    if (step.kind === 'open') consumers = [...consumers, { prefetch: step.prefetch, held: Math.floor(step.prefetch * fill) }];
    else {
      orphaned += step.consumers.reduce((sum, { held }) => sum + held, 0);
      consumers = consumers.filter((consumer) => !step.consumers.includes(consumer));
    }
  }
  throw new Error('it never settles');
}

describe('planCredit', () => {
  it('opens one consumer with the whole credit', () => {
    expect(planCredit(20, 0, [])).toEqual({ kind: 'open', prefetch: 20 });
  });

  it('raises by the difference and leaves alone what fits', () => {
    expect(planCredit(16, 0, [{ prefetch: 10, held: 10 }])).toEqual({ kind: 'open', prefetch: 6 });
    expect(planCredit(10, 0, [{ prefetch: 10, held: 3 }])).toEqual({ kind: 'none' });
    expect(planCredit(104, 0, [{ prefetch: 100, held: 3 }])).toEqual({ kind: 'none' });
  });

  it('takes nothing while what is left over fills the credit', () => {
    expect(planCredit(4, 6, [])).toEqual({ kind: 'none' });
    expect(planCredit(4, 3, [])).toEqual({ kind: 'open', prefetch: 1 });
  });

  it('settles after a few steps, never above the target, from any state', () => {
    const consumer = fc.record({ prefetch: fc.integer({ min: 1, max: 100 }), share: fc.double({ min: 0, max: 1, noNaN: true }) });
    fc.assert(
      fc.property(
        fc.nat(300),
        fc.nat(50),
        fc.array(consumer, { maxLength: 4 }),
        fc.constantFrom(0, 0.5, 1),
        (target, orphaned, before, fill) => {
          const consumers = before.map(({ prefetch, share }) => ({ prefetch, held: Math.floor(prefetch * share) }));
          const end = settle(target, orphaned, consumers, fill);
          const sum = end.consumers.reduce((total, { prefetch }) => total + prefetch, 0);
          const allowed = Math.max(0, target - end.orphaned);
          expect(end.steps).toBeLessThan(12);
          expect(end.consumers.length).toBeLessThanOrEqual(4);
          // an eighth is tolerated above 16
          expect(Math.abs(sum - allowed)).toBeLessThanOrEqual(allowed > 16 ? allowed / 8 : 0);
        },
      ),
    );
  });
});

describe('shareCredit', () => {
  it('gives one queue everything and no queue anything without credit', () => {
    expect(shareCredit(7, [{ target: 0, held: 0 }])).toEqual([7]);
    expect(
      shareCredit(0, [
        { target: 3, held: 3 },
        { target: 1, held: 0 },
      ]),
    ).toEqual([0, 0]);
  });

  it('begins in equal parts, and lets the busy one have what the others do not hold', () => {
    const idle = { target: 0, held: 0 };
    expect(shareCredit(7, [idle, idle, idle])).toEqual([3, 2, 2]);
    expect(
      shareCredit(6, [
        { target: 2, held: 2 },
        { target: 2, held: 0 },
        { target: 2, held: 0 },
      ]),
    ).toEqual([6, 1, 1]);
  });

  it('stays within the credit plus one for each queue', () => {
    const queue = fc.record({ target: fc.nat(20), held: fc.nat(20) }).map(({ target, held }) => ({ target, held: Math.min(target, held) }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.array(queue, { minLength: 2, maxLength: 6 }), (credit, queues) => {
        const held = queues.reduce((sum, one) => sum + one.held, 0);
        fc.pre(held <= credit);
        const shares = shareCredit(credit, queues);
        expect(Math.min(...shares)).toBeGreaterThanOrEqual(1);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(credit + queues.length);
      }),
    );
  });
});
