// Many questions on one channel, some of which end it.

import { createTransport } from '@celeriac/brokers';
import { connect } from 'amqplib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startProxy } from '../brokers/proxy.ts';
import { type Rabbitmq, startRabbitmq, type Vhost } from '../brokers/rabbitmq.ts';
import { until } from '../until.ts';

const names = Array.from({ length: 400 }, (_, index) => `asked-${index}`);
const isGone = (index: number): boolean => index % 60 === 7;
const expected = names.map((_, index) => (isGone(index) ? 0 : 1));

let rabbitmq: Rabbitmq;
let vhost: Vhost;
beforeAll(async () => {
  rabbitmq = await startRabbitmq();
  vhost = await rabbitmq.createVhost();
});
afterAll(() => rabbitmq?.deleteVhost(vhost));

it('answers for all queues where some went away, one is locked, and the connection breaks', async () => {
  const peer = await connect(vhost.url);
  const channel = await peer.createChannel();
  for (const name of names) {
    await channel.assertQueue(name, { durable: true });
    channel.sendToQueue(name, Buffer.from('{}'));
  }
  const proxy = await startProxy(rabbitmq.port);
  const transport = await createTransport({ url: proxy.url(vhost.url) });
  const read = async (): Promise<readonly (number | Error | undefined)[]> => {
    const depths = await transport.queues.depths(names);
    return names.map((name) => depths.get(name));
  };
  try {
    // Known after this, so that they are asked about in a row.
    await until(async () => (await read()).every((depth) => depth === 1), { what: 'one message in each' });
    await Promise.all(names.filter((_, index) => isGone(index)).map((name) => channel.deleteQueue(name)));
    const reads = await Promise.all([read(), read()]);
    expect(reads).toEqual([expected, expected]);
    expect(await read()).toEqual(expected);

    const locked = names[3] as string;
    await channel.deleteQueue(locked);
    await channel.assertQueue(locked, { exclusive: true });
    const [before, error, after] = (await read()).slice(2, 5);
    expect([before, after]).toEqual([1, 1]);
    expect(String(error)).toContain('RESOURCE_LOCKED');
    await channel.deleteQueue(locked);
    await channel.assertQueue(locked, { durable: true });

    const broken = read();
    proxy.cut();
    for (const depth of await broken) expect(depth instanceof Error || depth === 0 || depth === 1).toBe(true);
    const whole = expected.map((depth, index) => (index === 3 ? 0 : depth));
    await until(async () => JSON.stringify(await read()) === JSON.stringify(whole), { what: 'all depths behind a new connection' });
  } finally {
    await transport.close();
    await proxy.stop();
    await peer.close();
  }
});

it('rejects what has not been answered when the transport closes', async () => {
  const transport = await createTransport({ url: vhost.url });
  const [known] = names;
  await transport.queues.depth(known as string);
  const asked = transport.queues.depths(names);
  await transport.close();
  const depths = [...(await asked).values()];
  expect(depths).toHaveLength(names.length);
  for (const depth of depths) expect(depth instanceof Error || depth === 0 || depth === 1).toBe(true);
});
