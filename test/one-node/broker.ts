// Brokers on this machine that pods reach: they listen on the loopback address and on the one of the cluster's bridge.

import { freePort } from '../brokers/free-port.ts';
import { startOwnRabbitmq } from '../brokers/rabbitmq.ts';
import { startRedis } from '../brokers/redis.ts';

export interface ReachableBroker {
  /** Good in pods and on this machine. */
  readonly url: string;
  /** Where results go. */
  readonly backend: string;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startReachableRedis(address: string): Promise<ReachableBroker> {
  const server = await startRedis({ extraArgs: ['--bind', '127.0.0.1', address, '--protected-mode', 'no'] });
  const database = (index: number): string => `redis://${address}:${server.port}/${index}`;
  return { url: database(0), backend: database(1), stop: server.stop, [Symbol.asyncDispose]: server.stop };
}

/** RabbitMQ for messages, and Redis for results. */
export async function startReachableRabbitmq(address: string): Promise<ReachableBroker> {
  const port = await freePort();
  const [server, results] = await Promise.all([
    startOwnRabbitmq({ config: [`listeners.tcp.2 = ${address}:${port}`, 'loopback_users = none'] }),
    startReachableRedis(address),
  ]);
  const stop = async (): Promise<void> => {
    await Promise.all([server.stop(), results.stop()]);
  };
  return { url: `amqp://guest:guest@${address}:${port}`, backend: results.backend, stop, [Symbol.asyncDispose]: stop };
}
