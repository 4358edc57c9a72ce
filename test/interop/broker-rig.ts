import { createEmbeddedBroker } from '@celeriac/embedded';
import { startRabbitmq } from '../brokers/rabbitmq.ts';
import { startRedis } from '../brokers/redis.ts';

/** A broker and a place for results, as both Python and we take their URLs. */
export interface BrokerRig {
  readonly broker: string;
  readonly backend: string;
  stop(): Promise<void>;
}

export type BrokerKind = 'redis' | 'rabbitmq' | 'embedded';

/** Opens a fresh broker of the kind; results are in Redis where the broker is RabbitMQ. */
export async function openBroker(kind: BrokerKind): Promise<BrokerRig> {
  if (kind === 'embedded') {
    const embedded = await createEmbeddedBroker({});
    const base = embedded.url.replace(/\/\d*$/, '');
    return { broker: `${base}/0`, backend: `${base}/1`, stop: () => embedded.stop() };
  }
  const redis = await startRedis();
  if (kind === 'redis') return { broker: redis.database(0), backend: redis.database(1), stop: () => redis.stop() };
  const rabbitmq = await startRabbitmq();
  const vhost = await rabbitmq.createVhost();
  const stop = async (): Promise<void> => {
    await rabbitmq.deleteVhost(vhost);
    await rabbitmq.stop();
    await redis.stop();
  };
  return { broker: vhost.url, backend: redis.database(1), stop };
}
