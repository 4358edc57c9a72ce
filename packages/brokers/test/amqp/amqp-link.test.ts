import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { silentLogger } from '../../src/observe/logger.ts';
import { type AmqpLink, createAmqpLink } from '../../src/transports/amqp/amqp-link.ts';
import { type AmqpUrl, parseBrokerUrl } from '../../src/urls/broker-url.ts';

const PAST_EVERY_BACKOFF_MS = 25_000;
const HURRIED_MS = 1_000;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface Away {
  readonly link: AmqpLink;
  /** How often the link has knocked. */
  attempts(): Promise<number>;
  /** Waits for the attempt with this number, and hangs up on it. */
  hangUp(count: number): Promise<void>;
  close(): Promise<void>;
}

/** A broker that hangs up, and a link to it that has failed ten times, so that it waits longest. */
async function longAway(): Promise<Away> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  vi.spyOn(Math, 'random').mockReturnValue(0.99);
  let knocks: Socket[] = [];
  const server = createServer((socket: Socket) => {
    socket.on('error', () => undefined);
    knocks.push(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const addresses = [parseBrokerUrl(`amqp://guest:guest@127.0.0.1:${port}//`) as AmqpUrl];
  const link = createAmqpLink({ addresses, connectionName: 'test', maxBodyBytes: 1_000, logger: silentLogger });
  let failed = (): void => {};
  link.listen({ onProblem: () => failed() });
  const hangUp = async (count: number): Promise<void> => {
    // No attempt ends before it is hung up on: the clock that is put forward meanwhile would begin another.
    while (knocks.length < count) await once(server, 'connection');
    const reported = new Promise<void>((resolve) => {
      failed = resolve;
    });
    knocks[count - 1]?.destroy();
    await reported;
    // The pause begins behind the report.
    await new Promise((resolve) => setImmediate(resolve));
  };
  const attempts = async (): Promise<number> => {
    // Whoever knocked before our own connection is let in before it.
    const own = connect(port, '127.0.0.1');
    await once(own, 'connect');
    const isOwn = (socket: Socket): boolean => socket.remotePort === own.localPort;
    while (!knocks.some(isOwn)) await once(server, 'connection');
    knocks = knocks.filter((socket) => !isOwn(socket));
    own.destroy();
    return knocks.length;
  };
  link.ready(10).catch(() => undefined);
  for (let count = 1; count <= 10; count += 1) {
    await hangUp(count);
    if (count < 10) await vi.advanceTimersByTimeAsync(PAST_EVERY_BACKOFF_MS);
  }
  const close = async (): Promise<void> => {
    for (const socket of knocks) socket.destroy();
    await link.close();
    server.close();
  };
  return { link, attempts, hangUp, close };
}

it('waits long between attempts while nobody needs the connection', async () => {
  const away = await longAway();
  await vi.advanceTimersByTimeAsync(10 * HURRIED_MS);
  expect(await away.attempts()).toBe(10);
  await away.close();
});

it.each(['hurry', 'ready'] as const)('comes back within a second for whoever waits (%s)', async (how) => {
  const away = await longAway();
  if (how === 'hurry') away.link.hurry();
  else away.link.ready(60_000).catch(() => undefined);
  await vi.advanceTimersByTimeAsync(HURRIED_MS / 2);
  expect(await away.attempts()).toBe(10);
  await vi.advanceTimersByTimeAsync(HURRIED_MS / 2);
  await away.hangUp(11);
  expect(await away.attempts()).toBe(11);
  await away.close();
});
