import { createMemoryTransport, type MemoryTransport } from '../../packages/brokers/src/transports/memory/memory-transport.ts';
import { transportConformance } from './transport.ts';
import { taskMessage } from './transport-rig.ts';

let count = 0;

transportConformance('memory', () => {
  const url = `memory://conformance-${++count}`;
  const made: MemoryTransport[] = [];
  const create = (options = {}): MemoryTransport => {
    const transport = createMemoryTransport({ url, ...options });
    made.push(transport);
    return transport;
  };
  return {
    create,
    breakConnections() {
      for (const transport of made) transport.breakConnections();
    },
    async putUnreadable(queue) {
      const message = taskMessage('too-large', { body: new Uint8Array(65_537) });
      await create().publish({ message, exchange: '', routingKey: queue.name, queue });
      return 'CELERIAC_E_TOO_LARGE';
    },
    traits: {
      priorities: { first: 'highest', arguments: { 'x-max-priority': 9 } },
      refusesUnroutable: true,
      breakLosesClaims: true,
      losses: 'exact',
      parkEarlyMs: 0,
      creditSlack: 0,
    },
    async stop() {
      await Promise.all(made.map((transport) => transport.close()));
    },
  };
});
