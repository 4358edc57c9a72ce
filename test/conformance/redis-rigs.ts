import { createEmbeddedBroker } from '@celeriac/embedded';
import { startRedis } from '../brokers/redis.ts';
import { until } from '../until.ts';
import { RespConnection } from './resp-connection.ts';

/** A server that speaks Redis' protocol, with the connections a test opened. */
export interface RedisRig {
  readonly port: number;
  connect(): Promise<RespConnection>;
  /** Closes the connections, waits until the server has seen that, and drops every key. */
  clean(): Promise<void>;
  stop(): Promise<void>;
}

export const redisRigs: readonly (readonly [string, () => Promise<RedisRig>])[] = [
  ['redis-server', async () => makeRig(await startRedis())],
  ['the embedded broker', async () => makeRig(await createEmbeddedBroker())],
];

function makeRig(server: { readonly port: number; stop(): Promise<void> }): RedisRig {
  const open = new Set<RespConnection>();
  const connect = async (): Promise<RespConnection> => {
    const connection = await RespConnection.open(server.port);
    open.add(connection);
    return connection;
  };
  const closeAll = async (): Promise<void> => {
    await Promise.all([...open].map((connection) => connection.end()));
    open.clear();
  };
  return {
    port: server.port,
    connect,
    async clean() {
      await closeAll();
      const connection = await connect();
      await until(async () => /^connected_clients:1\r$/m.test(String(await connection.call('INFO'))), {
        everyMs: 1,
        what: 'the server to see that the connections are closed',
      });
      await connection.call('FLUSHALL');
      await connection.call('SCRIPT', 'FLUSH');
      await closeAll();
    },
    async stop() {
      await closeAll();
      await server.stop();
    },
  };
}
