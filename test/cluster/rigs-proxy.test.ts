// The proxy before the API server: what it lets fail, the client sees.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiProxy, startApiProxy } from '../kubernetes/api-proxy.ts';
import { type ControlPlane, sharedControlPlane } from '../kubernetes/control-plane.ts';
import { type KubeObject, type Manifest, resourcePath } from '../kubernetes/objects.ts';
import type { Rest, WatchEvent } from '../kubernetes/rest.ts';
import { staysPending, type UntilOptions, until as untilIn } from '../until.ts';

/** The machine may be busy with other tests. */
const until = <T>(ask: () => T | Promise<T>, options: UntilOptions = {}): Promise<NonNullable<T>> =>
  untilIn(ask, { timeoutMs: 60_000, ...options });

describe('the proxy before the API server', () => {
  let cluster: ControlPlane;
  let proxy: ApiProxy;
  let api: Rest;
  let namespace: string;

  beforeAll(async () => {
    cluster = await sharedControlPlane();
    namespace = await cluster.createNamespace();
    proxy = await startApiProxy(cluster);
    api = cluster.apiAs(proxy.through(cluster.kubeconfig));
  });
  afterAll(async () => {
    api?.close();
    await proxy?.stop();
    await cluster?.deleteNamespace(namespace);
    await cluster?.stop();
  });

  const map = (name: string): Manifest => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: '1' } });
  const maps = (): string => resourcePath('ConfigMap', namespace);
  const watchFrom = async (events: WatchEvent[]): Promise<{ readonly ended: Promise<void> }> => {
    const { metadata } = await cluster.api.get(maps());
    const before = proxy.openWatches;
    const query = { resourceVersion: metadata.resourceVersion };
    const ended = api.watch(maps(), query, new AbortController().signal, (event) => events.push(event));
    await until(() => proxy.openWatches === before + 1, { what: 'the watch open' });
    return { ended };
  };

  it('passes on what it is not told to stop', async () => {
    await api.create(maps(), map('plain'));
    expect((await api.get<KubeObject>(`${maps()}/plain`))['data']).toEqual({ a: '1' });
    expect(proxy.requests.slice(-2).map((one) => `${one.method} ${one.path} ${one.status}`)).toEqual([
      `POST ${maps()} 201`,
      `GET ${maps()}/plain 200`,
    ]);
  });

  it('answers in place of the server, as often as asked', async () => {
    const full = proxy.answer((one) => one.method === 'PATCH', { status: 429, headers: { 'retry-after': '7' } }, 2);
    const patch = () => api.patch<KubeObject>(`${maps()}/plain`, { data: { a: '2' } });
    await expect(patch()).rejects.toMatchObject({ status: 429, reason: 'TooManyRequests', headers: { 'retry-after': '7' } });
    await expect(patch()).rejects.toMatchObject({ status: 429 });
    expect((await cluster.api.get<KubeObject>(`${maps()}/plain`))['data']).toEqual({ a: '1' });
    expect((await patch())['data']).toEqual({ a: '2' });
    expect(full.met).toHaveLength(2);
    full.release();
  });

  it('loses the answer to a write that was carried out', async () => {
    const lost = proxy.loseAnswer((one) => one.method === 'POST');
    await expect(api.create(maps(), map('unanswered'))).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect(lost.met).toHaveLength(1);
    expect((await cluster.api.get(`${maps()}/unanswered`)).metadata.name).toBe('unanswered');
  });

  it('holds a write in flight until it is let go', async () => {
    const held = proxy.hold((one) => one.method === 'POST');
    const writing = api.create(maps(), map('late'));
    await until(() => held.met.length === 1, { what: 'the write' });
    expect(await staysPending(writing, 300)).toBe(true);
    await expect(cluster.api.get(`${maps()}/late`)).rejects.toMatchObject({ status: 404 });
    held.release();
    await writing;
    expect((await cluster.api.get(`${maps()}/late`)).metadata.name).toBe('late');
  });

  it('expires, deafens and cuts watches', async () => {
    const expired: WatchEvent[] = [];
    const first = await watchFrom(expired);
    await cluster.api.create(maps(), map('seen'));
    await until(() => expired.length === 1, { what: 'the event' });
    proxy.expireWatches();
    await first.ended;
    await until(() => proxy.openWatches === 0, { what: 'no watch left' });
    expect(expired.map((event) => event.type)).toEqual(['ADDED', 'ERROR']);
    expect(expired[1]?.object).toMatchObject({ code: 410, reason: 'Expired' });

    const nothing: WatchEvent[] = [];
    const deaf = await watchFrom(nothing);
    proxy.deafenWatches();
    const hearing: WatchEvent[] = [];
    const other = await watchFrom(hearing);
    await cluster.api.create(maps(), map('unheard'));
    await until(() => hearing.length === 1, { what: 'the event at the other watch' });
    expect(nothing).toEqual([]);
    expect(proxy.openWatches).toBe(2);

    proxy.cut();
    await Promise.all([deaf.ended, other.ended]);
    await until(() => proxy.openWatches === 0, { what: 'no watch left' });
    expect((await api.get(`${maps()}/unheard`)).metadata.name).toBe('unheard');
  });
});
