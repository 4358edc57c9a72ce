import { createTransport, silentLogger, type Transport } from '@celeriac/brokers';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../../../test/until.ts';
import { type BrokerLink, openBrokerLink } from '../../src/broker/broker-link.ts';

let count = 0;
const links: BrokerLink[] = [];
afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
});

/** What the transport of one URL does otherwise than one that works. */
interface Trouble {
  depth?: () => Promise<number | null>;
  subscribe?: () => Promise<void>;
}

/** A link on a broker in this process that knows several URLs, as one does while a password is changed. */
async function startLink(limitMs = 60_000): Promise<{
  readonly link: BrokerLink;
  readonly troubles: Record<string, Trouble>;
  readonly open: Set<string>;
  readonly log: string[];
  /** Sends to everybody who listens to `celeryev`. */
  send(): Promise<void>;
}> {
  const broker = `memory://link-${++count}`;
  const troubles: Record<string, Trouble> = {};
  const open = new Set<string>();
  const log: string[] = [];
  const connect = async (url: string): Promise<Transport> => {
    const inner = await createTransport({ url: broker });
    open.add(url);
    return {
      ...inner,
      queues: { ...inner.queues, depth: (name) => troubles[url]?.depth?.() ?? inner.queues.depth(name) },
      bus: {
        ...inner.bus,
        subscribe: async (source, onMessage) => {
          await troubles[url]?.subscribe?.();
          return inner.bus.subscribe(source, onMessage);
        },
      },
      close: async () => {
        open.delete(url);
        await inner.close();
      },
    };
  };
  const logger = {
    ...silentLogger,
    warn: (fields: Readonly<Record<string, unknown>>, text: string) => void log.push(`${text} ${JSON.stringify(fields)}`),
  };
  const link = await openBrokerLink({ url: 'redis://:old@host', connect, logger, retryMs: 10, limitMs });
  links.push(link);
  const sender = await createTransport({ url: broker });
  const message = { headers: {}, properties: {}, body: new Uint8Array(), contentType: 'application/json', contentEncoding: 'utf-8' };
  return { link, troubles, open, log, send: () => sender.bus.broadcast('celeryev', 'worker.heartbeat', message) };
}

const events = { exchange: 'celeryev', type: 'topic', binding: '#', queue: 'listener' } as const;
const OLD = 'redis://:old@host';
const NEW = 'redis://:new@host';

describe('a link to a broker whose URL changes', () => {
  it('goes over with all that stands on it, and hears everything once', async () => {
    const { link, open, send } = await startLink();
    let [heard, grown] = [0, 0];
    await link.bus.subscribe(events, () => heard++);
    const watch = await link.queues.watchGrowth(['q'], () => grown++);
    await send();
    await until(() => heard > 0);
    link.follow(NEW);
    await until(() => link.url === NEW && open.size === 1);
    expect([...open]).toEqual([NEW]);
    // What may have come in between is looked at.
    expect(grown).toBe(1);
    await send();
    await until(() => heard > 1);
    await watch.close();
    link.follow(OLD);
    await until(() => link.url === OLD);
    expect(grown).toBe(1);
    await send();
    await until(() => heard > 2);
    // Each once: what comes twice would have come by now.
    await send();
    await until(() => heard > 3);
    expect(heard).toBe(4);
  });

  it('answers nothing while the new subscriptions are not there, and nothing that was asked of the old connection', async () => {
    const { link, troubles } = await startLink();
    const [oldAnswer, subscribed] = [Promise.withResolvers<number>(), Promise.withResolvers<void>()];
    troubles[OLD] = { depth: () => oldAnswer.promise };
    troubles[NEW] = { subscribe: () => subscribed.promise };
    await link.bus.subscribe(events, () => undefined);
    const asked = link.queues.depth('q');
    link.follow(NEW);
    await until(() => link.changing);
    await expect(link.queues.depth('q')).rejects.toMatchObject({ code: 'CELERIAC_E_CONNECTION' });
    await expect(link.queues.depths(['q'])).rejects.toMatchObject({ code: 'CELERIAC_E_CONNECTION' });
    await expect(link.queues.nextDueMs()).rejects.toMatchObject({ code: 'CELERIAC_E_CONNECTION' });
    subscribed.resolve();
    await until(() => !link.changing);
    oldAnswer.resolve(0);
    await expect(asked).rejects.toMatchObject({ code: 'CELERIAC_E_CONNECTION' });
    expect(await link.queues.depth('q')).toBeNull();
  });

  it('keeps the old connection while the new URL does not answer, tells so once and masked, and tries until it does', async () => {
    const { link, troubles, open, log, send } = await startLink();
    let [heard, tries] = [0, 0];
    await link.bus.subscribe(events, () => heard++);
    troubles[NEW] = {
      depth: () => {
        tries += 1;
        return Promise.reject(new Error('WRONGPASS'));
      },
    };
    link.follow(NEW);
    await until(() => tries >= 3);
    expect(link.changing).toBe(false);
    expect(await link.queues.depth('q')).toBeNull();
    await send();
    await until(() => heard === 1);
    troubles[NEW] = {};
    await until(() => link.url === NEW);
    expect(log).toHaveLength(1);
    expect(log[0]).toContain('redis://:**@host');
    await until(() => open.size === 1);
  });

  it('goes back where the new URL answers but does not let it listen', async () => {
    const { link, troubles, send } = await startLink();
    let [heard, tries] = [0, 0];
    await link.bus.subscribe(events, () => heard++);
    troubles[NEW] = {
      subscribe: () => {
        tries += 1;
        return Promise.reject(new Error('NOPERM'));
      },
    };
    link.follow(NEW);
    await until(() => tries > 2);
    expect(link.url).toBe(OLD);
    const listens = async (): Promise<boolean> => {
      await send();
      return heard > 0;
    };
    await until(listens);
    troubles[NEW] = {};
    await until(() => link.url === NEW);
  });

  it('answers nothing for as long as neither of them lets it listen', async () => {
    const { link, troubles, send } = await startLink();
    let heard = 0;
    await link.bus.subscribe(events, () => heard++);
    const refused = { subscribe: () => Promise.reject(new Error('NOPERM')) };
    Object.assign(troubles, { [OLD]: refused, [NEW]: refused });
    link.follow(NEW);
    await until(() => link.changing);
    await expect(link.queues.depth('q')).rejects.toMatchObject({ code: 'CELERIAC_E_CONNECTION' });
    link.follow(OLD);
    troubles[OLD] = {};
    await until(() => !link.changing);
    await send();
    await until(() => heard === 1);
    expect(link.url).toBe(OLD);
  });

  it('is closed in the middle of a try', async () => {
    // Nothing else ends a question that this broker leaves open.
    const { link, troubles, open } = await startLink(200);
    let asked = false;
    troubles[NEW] = {
      depth: () => {
        asked = true;
        return new Promise(() => undefined);
      },
    };
    link.follow(NEW);
    await until(() => asked);
    await link.close();
    expect(open.size).toBe(0);
  });
});
