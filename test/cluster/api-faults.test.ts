// An API server that throttles, fails, refuses and loses answers, and watches that break: the fleet grows and shrinks all the same, asks no
// more than it should, and decides nothing by what may be old.

import { describe, expect, it } from 'vitest';
import type { SeenRequest } from '../kubernetes/api-proxy.ts';
import { letTimePass } from '../until.ts';
import { isEvent, isLease, isList, isMark, isScale, replicasIn, signalAgeS, startFaulty, work } from './faulty-fleet.ts';
import { eventually } from './fleet-checks.ts';
import { expectSafe } from './fleet-safety.ts';

describe('answers', () => {
  it('that throttle are waited for as they say, those that fail or refuse are tried again, and not in a storm', async () => {
    await using faulty = await startFaulty();
    const { proxy, fleet, autoscaler } = faulty;
    const throttled = proxy.answer(isScale, { status: 429, headers: { 'retry-after': '2' } });
    const refused = proxy.answer(isScale, { status: 409 }, 3);
    const failed = proxy.answer(isScale, { status: 503 }, 2);
    const marks = proxy.answer(isMark, { status: 500 }, 3);
    const events = proxy.answer(isEvent, { status: 429, headers: { 'retry-after': '1' } }, 2);
    const leases = proxy.answer(isLease, { status: 503 }, 2);
    const ids = await work(fleet, 8);
    // Lower down, a storm again.
    const again = [proxy.answer(isScale, { status: 409 }, 3), proxy.answer(isMark, { status: 429, headers: { 'retry-after': '1' } }, 2)];
    await fleet.atZero('load');
    for (const met of [throttled, failed, marks, leases].map((one) => one.met.length)) expect(met).toBeGreaterThan(0);
    expect(refused.met.length).toBe(3);
    expect(again.map((one) => one.met.length)).toEqual([3, 2]);
    expect(events.met.length).toBeGreaterThan(0);
    const writes = proxy.requests.filter(isScale);
    const first = writes.indexOf(throttled.met[0] as SeenRequest);
    expect((writes[first + 1]?.atMs ?? 0) - (throttled.met[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(1_950);
    // 1 throttled, 6 refused, 2 failed, and a handful that were taken.
    expect(writes.length).toBeLessThan(25);
    expect(autoscaler.process.output()).not.toContain('turn failed');
    expectSafe(fleet, 'load', ids);
  });

  it('to writes that are lost are looked up before anything is repeated', async () => {
    await using faulty = await startFaulty();
    const { proxy, fleet } = faulty;
    const grown = proxy.loseAnswer(isScale);
    const ids = [...(await work(fleet, 8))];
    await eventually(fleet, 'the number that was written', async () => grown.met.length === 1);
    const shrunk = proxy.loseAnswer((request) => isScale(request) && (replicasIn(request) ?? 9) < Math.max(...fleet.changes('load')));
    await fleet.atZero('load');
    expect(shrunk.met).toHaveLength(1);
    for (const [lost] of [grown.met, shrunk.met]) {
      if (lost === undefined) throw new Error('nothing was lost');
      const after = proxy.requests.slice(proxy.requests.indexOf(lost) + 1).filter(({ path }) => path.includes('/deployments/load/scale'));
      expect(after[0]?.method).toBe('GET');
      // It had been carried out, so that it is not repeated.
      const next = after.find(isScale);
      expect(next === undefined ? undefined : replicasIn(next)).not.toBe(replicasIn(lost));
    }
    // Each number was written once for each time it was reached.
    const taken = proxy.requests.filter((request) => isScale(request) && (request.status ?? 200) < 300);
    expect(taken.map(replicasIn)).toEqual(fleet.changes('load').slice(1));
    expectSafe(fleet, 'load', ids);
  });
});

describe('watches', () => {
  it('that are cut or expire are begun anew from a fresh list, and nothing shrinks before that', async () => {
    await using faulty = await startFaulty();
    const { proxy, fleet, autoscaler } = faulty;
    const ids = [...(await work(fleet, 6))];
    const listsBefore = proxy.requests.filter(isList).length;
    // Blind: no list comes through either, while the pods idle beyond every delay.
    const lists = proxy.hold(isList, 1_000);
    const cutAtMs = Date.now();
    proxy.cut();
    await eventually(fleet, 'a list that waits', () => lists.met.length > 0);
    const blindFrom = Date.now();
    await letTimePass(8_000, 'the pods idle, and every delay before a shrink ends');
    expect(fleet.history('load').filter(({ atMs }) => atMs > blindFrom)).toEqual([]);
    expect(await signalAgeS(autoscaler)).toBeGreaterThan(7);
    expect((await autoscaler.pools())[0]?.unknown.join()).not.toBe('');
    lists.release();
    await fleet.atZero('load');
    expect(proxy.requests.filter(isList).length).toBeGreaterThan(listsBefore);
    expect(Date.now() - cutAtMs).toBeGreaterThan(8_000);

    for (const breaks of [
      () => proxy.expireWatches(),
      () => {
        proxy.answer(({ isWatch }) => isWatch, { status: 410 }, 4);
        proxy.cut();
      },
      () => {
        // As by an API server that has just started and does not know its Roles yet.
        proxy.answer(isList, { status: 403 }, 6);
        proxy.cut();
      },
    ]) {
      const listed = (): number => proxy.requests.filter((request) => isList(request) && request.status === 200).length;
      const before = listed();
      const working = await fleet.publish('load', 4, 1_500);
      await eventually(fleet, 'work under way', () => working.some((id) => fleet.ledger.counts().starts.has(id)), { timeoutMs: 60_000 });
      breaks();
      await eventually(fleet, 'fresh lists of all three kinds', () => listed() >= before + 3);
      ids.push(...working, ...(await work(fleet, 4)));
      await fleet.ledger.allEnded(working, 60_000);
      await fleet.atZero('load');
    }
    // Broken watches are taken up again with growing pauses.
    expect(proxy.requests.filter(({ isWatch }) => isWatch).length).toBeLessThan(80);
    expect(await signalAgeS(autoscaler)).toBeLessThan(90);
    expectSafe(fleet, 'load', ids);
  });
});
