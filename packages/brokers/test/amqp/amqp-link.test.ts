import { createServer, type Server, type Socket } from 'node:net';
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

/** A broker that hangs up, a link to it that has failed ten times, so that it waits longest, and the attempts it makes. */
async function longAway(): Promise<{ link: AmqpLink; attempts: () => number; attempt: (count: number) => Promise<void>; server: Server }> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  vi.spyOn(Math, 'random').mockReturnValue(0.99);
  let attempts = 0;
  const server = createServer((socket: Socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const addresses = [parseBrokerUrl(`amqp://guest:guest@127.0.0.1:${port}//`) as AmqpUrl];
  const link = createAmqpLink({ addresses, connectionName: 'test', maxBodyBytes: 1_000, logger: silentLogger });
  let failed = (): void => {};
  link.listen({
    onProblem() {
      attempts += 1;
      failed();
    },
  });
  const attempt = async (count: number): Promise<void> => {
    while (attempts < count) {
      await new Promise<void>((resolve) => {
        failed = resolve;
      });
    }
    // The pause begins behind the report.
    await new Promise((resolve) => setImmediate(resolve));
  };
  link.ready(10).catch(() => undefined);
  for (let count = 1; count <= 10; count += 1) {
    await attempt(count);
    if (count < 10) await vi.advanceTimersByTimeAsync(PAST_EVERY_BACKOFF_MS);
  }
  return { link, attempts: () => attempts, attempt, server };
}

it('waits long between attempts while nobody needs the connection', async () => {
  const { link, attempts, server } = await longAway();
  await vi.advanceTimersByTimeAsync(10 * HURRIED_MS);
  expect(attempts()).toBe(10);
  await link.close();
  server.close();
});

it.each(['hurry', 'ready'] as const)('comes back within a second for whoever waits (%s)', async (how) => {
  const { link, attempts, attempt, server } = await longAway();
  if (how === 'hurry') link.hurry();
  else link.ready(60_000).catch(() => undefined);
  await vi.advanceTimersByTimeAsync(HURRIED_MS / 2);
  expect(attempts()).toBe(10);
  await vi.advanceTimersByTimeAsync(HURRIED_MS / 2);
  await attempt(11);
  expect(attempts()).toBe(11);
  await link.close();
  server.close();
});
