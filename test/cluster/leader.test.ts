// Two autoscalers under load: the leader is killed or stopped in the middle of what it does, the other goes on, and nobody at work is taken.

import { describe, expect, it } from 'vitest';
import { type ApiProxy, startApiProxy } from '../kubernetes/api-proxy.ts';
import { sharedControlPlane } from '../kubernetes/control-plane.ts';
import { until } from '../until.ts';
import { type AutoscalerProcess, type Fleet, said, startFleet } from './fleet-rig.ts';
import { expectSafe, leading, readiness } from './fleet-safety.ts';

/** The fleet's lease lasts five seconds; on a busy machine its taking over may be late. */
const TAKEN_OVER_MS = 60_000;
const scaling = '{ min: 0, max: 4, goal: { queueWait: 2s, expectedTaskTime: 1s, expectedStartTime: 3s }, idleToZero: 3s, downDelay: 1s }';

interface Pair extends AsyncDisposable {
  readonly fleet: Fleet;
  readonly first: AutoscalerProcess;
  readonly second: AutoscalerProcess;
  /** What the first says to the API server. */
  readonly proxy: ApiProxy;
}

async function startPair(): Promise<Pair> {
  await using stack = new AsyncDisposableStack();
  const cluster = await sharedControlPlane();
  const proxy = stack.use(await startApiProxy(cluster));
  const fleet = stack.use(await startFleet({ broker: 'redis', cluster, autoscalers: 0, pools: [{ name: 'load', slots: 1, scaling }] }));
  const first = await fleet.startAutoscaler({ kubeconfig: proxy.through(fleet.kubeconfig) });
  await until(async () => (await readiness(first)) === 'ok', { timeoutMs: 60_000, what: 'the first to lead' });
  const second = await fleet.startAutoscaler();
  await until(async () => (await readiness(second)) === 'standby', { timeoutMs: 60_000, what: 'the second to stand by' });
  const kept = stack.move();
  return { fleet, first, second, proxy, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const isScale = ({ method, path }: { readonly method: string; readonly path: string }): boolean =>
  method === 'PATCH' && path.includes('/deployments/load/scale');

async function when(fleet: Fleet, what: string, ask: () => boolean | Promise<boolean>, timeoutMs = 90_000): Promise<void> {
  await until(ask, { timeoutMs, everyMs: 20, what }).catch((error: Error) => {
    throw new Error(`${error.message}\n${JSON.stringify(fleet.history('load'))}\n${said(fleet.autoscalers)}`);
  });
}

/** Long tasks on some pods, nothing on others: as soon as the short ones are done, a scale-in beside the long ones begins. */
async function loadForScaleIn(fleet: Fleet): Promise<{ readonly long: readonly string[]; readonly short: readonly string[] }> {
  const long = await fleet.publish('load', 2, 25_000);
  await when(fleet, 'the long tasks at work', () => long.every((id) => fleet.ledger.counts().starts.has(id)));
  const short = await fleet.publish('load', 12, 900);
  return { long, short };
}

const cordons = (autoscaler: AutoscalerProcess): boolean => /scale-in: cordon/.test(autoscaler.process.output());

describe('a leader under load', () => {
  it('killed in the middle of growth is followed: the growth goes on, and all returns to zero', async () => {
    await using pair = await startPair();
    const { fleet, first, second } = pair;
    const ids = [...(await fleet.publish('load', 16, 1_000))];
    await when(fleet, 'the first growth', async () => (await fleet.wanted('load')) > 0);
    first.process.signal('SIGKILL');
    ids.push(...(await fleet.publish('load', 8, 1_000)));
    await when(fleet, 'the second to lead', async () => (await readiness(second)) === 'ok', TAKEN_OVER_MS);
    await fleet.ledger.allEnded(ids, 90_000);
    await fleet.atZero('load');
    expectSafe(fleet, 'load', ids);
  });

  it('killed in the middle of a scale-in is followed: nobody stays cordoned, nobody at work goes', async () => {
    await using pair = await startPair();
    const { fleet, first, second } = pair;
    const { long, short } = await loadForScaleIn(fleet);
    await when(fleet, 'a cordon under way', () => cordons(first));
    first.process.signal('SIGKILL');
    const load = [...(await fleet.publish('load', 4, 900))];
    await when(fleet, 'the second to lead', async () => (await readiness(second)) === 'ok', TAKEN_OVER_MS);
    // Whoever was cordoned must take work again, or be gone with another in its place: this wants all the slots there can be.
    load.push(...(await fleet.publish('load', 12, 900)));
    const ids = [...long, ...short, ...load];
    await fleet.ledger.allEnded(ids, 90_000).catch((error: Error) => {
      throw new Error(`${error.message}\n${said(fleet.autoscalers)}`);
    });
    await fleet.atZero('load');
    expectSafe(fleet, 'load', ids);
  });

  it('stopped with a shrink in flight is followed; when it goes on, nothing it does counts, and it stands by', async () => {
    await using pair = await startPair();
    const { fleet, first, second, proxy } = pair;
    const { long, short } = await loadForScaleIn(fleet);
    await when(fleet, 'the growth', async () => (await fleet.wanted('load')) >= 3);
    // Held from here on: the first to come is the shrink, or a further growth that the load no longer needs.
    const held = proxy.hold((request) => isScale(request) && cordons(first));
    await when(fleet, 'a shrink in flight', () => held.met.length > 0);
    first.process.signal('SIGSTOP');
    await when(fleet, 'the second to lead', async () => (await readiness(second)) === 'ok', TAKEN_OVER_MS);
    // Every pod gets work: whoever the held shrink would take is busy now.
    const load = [...(await fleet.publish('load', 6, 4_000))];
    await when(fleet, 'that load at work', () => load.filter((id) => fleet.ledger.counts().starts.has(id)).length >= 2);
    held.release();
    await when(fleet, "the API server's answer to the held write", () => held.met[0]?.status !== undefined);
    const heldStatus = held.met[0]?.status;
    const asked = proxy.requests.length;
    first.process.signal('SIGCONT');
    await when(fleet, 'the first to stand by', async () => (await readiness(first)) === 'standby');
    const ids = [...long, ...short, ...load];
    await fleet.ledger.allEnded(ids, 90_000);
    await fleet.atZero('load');
    expect(heldStatus).toBe(409);
    // Nothing that the first asked for after it woke has changed anything.
    const counted = proxy.requests.slice(asked).filter(({ method, status = 0 }) => method !== 'GET' && status > 0 && status < 300);
    expect(counted.map(({ method, path, status }) => `${method} ${path} ${status}`)).toEqual([]);
    expect(await readiness(first)).toBe('standby');
    expect(await leading(fleet.autoscalers)).toBe(second);
    expectSafe(fleet, 'load', ids);
  });
});
