import { type Delivery, type ResultBackend, type StoredResult, silentLogger, type Transport } from '@celeriac/brokers';
import { CeleriacError, encodeTask } from '@celeriac/protocol';
import { afterEach, expect, test, vi } from 'vitest';
import { createMemoryBackend } from '../../../brokers/src/backends/memory.ts';
import { createMemoryTransport } from '../../../brokers/src/transports/memory/memory-transport.ts';
import { CarryOut, type Work } from '../../src/outcome/carry-out.ts';
import type { Settlement } from '../../src/outcome/settlement.ts';

afterEach(() => vi.useRealTimers());

let rigs = 0;
/** A memory broker and backend with an order of effects; `failStores` and `failPublishes` are thrown by the next calls. */
async function rig() {
  const url = `memory://carry-out-${++rigs}`;
  const transport = createMemoryTransport({ url });
  const backend = createMemoryBackend({ url });
  const order: string[] = [];
  const failStores: Error[] = [];
  const failPublishes: Error[] = [];
  const ends: { work: Work; settled: boolean }[] = [];
  await transport.queues.declare({ name: 'q' });
  await transport.queues.declare({ name: 'next' });
  await transport.publish({ message: encodeTask({ name: 'tasks.a', taskId: 'a' }), exchange: '', routingKey: 'q' });
  const { promise: delivered, resolve } = Promise.withResolvers<Delivery>();
  await transport.consume({
    queues: [{ name: 'q' }],
    owner: 'test',
    credit: 1,
    startsAtOnce: () => 0,
    onDeliveries: ([delivery]) => resolve(delivery as Delivery),
    onEvent: () => {},
  });
  const delivery = await delivered;
  const observed: Transport = {
    ...transport,
    publish: async (publication) => {
      order.push('publish');
      const error = failPublishes.shift();
      if (error !== undefined) throw error;
      await transport.publish(publication);
    },
  };
  const observedBackend: ResultBackend = {
    ...backend,
    store: async (result: StoredResult) => {
      order.push(`store ${result.status}`);
      const error = failStores.shift();
      if (error !== undefined) throw error;
      return backend.store(result);
    },
  };
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const carryOut = new CarryOut({
    transport: observed,
    backend: observedBackend,
    logger: silentLogger,
    onEnd: (work, settled) => {
      order.push(settled ? `ended by ${work.ending.kind}` : 'not settled');
      ends.push({ work, settled });
      end();
    },
  });
  return { transport, backend, delivery, carryOut, order, failStores, failPublishes, ended };
}

const settlement = (changes: Partial<Settlement> = {}): Settlement => ({
  kind: 'succeeded',
  stores: [{ taskId: 'a', status: 'SUCCESS', metaJson: '{"status": "SUCCESS", "result": 1, "task_id": "a"}' }],
  publish: [{ message: encodeTask({ name: 'tasks.b', taskId: 'b' }), exchange: '', routingKey: 'next' }],
  ending: { kind: 'ack' },
  report: null,
  ...changes,
});

test('stores, publishes what follows, then acknowledges', async () => {
  const { carryOut, delivery, order, ended, transport, backend } = await rig();
  carryOut.begin(delivery, settlement(), null);
  expect(carryOut.pending).toBe(1);
  await ended;
  expect(order).toEqual(['store SUCCESS', 'publish', 'ended by ack']);
  expect(await transport.queues.depth('next')).toBe(1);
  expect((await backend.fetch('a'))?.status).toBe('SUCCESS');
  await carryOut.whenIdle();
  expect(carryOut.pending).toBe(0);
});

test('a backend that is away is asked again, and nothing is acknowledged before it has the result', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { carryOut, delivery, order, failStores, ended } = await rig();
  failStores.push(new CeleriacError('CELERIAC_E_CONNECTION', 'away'), new CeleriacError('CELERIAC_E_CONNECTION', 'away'));
  carryOut.begin(delivery, settlement({ publish: [] }), null);
  await vi.advanceTimersByTimeAsync(99);
  expect(order).toEqual(['store SUCCESS']);
  await vi.advanceTimersByTimeAsync(1);
  expect(order).toEqual(['store SUCCESS', 'store SUCCESS']);
  await vi.advanceTimersByTimeAsync(200);
  await ended;
  expect(order).toEqual(['store SUCCESS', 'store SUCCESS', 'store SUCCESS', 'ended by ack']);
});

test('what follows is published again while it is uncertain that the broker has it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { carryOut, delivery, order, failPublishes, ended, transport } = await rig();
  for (let i = 0; i < 8; i++) failPublishes.push(new CeleriacError('CELERIAC_E_PUBLISH_UNCERTAIN', 'cut'));
  carryOut.begin(delivery, settlement(), null);
  await vi.advanceTimersByTimeAsync(60_000);
  await ended;
  expect(order.filter((step) => step === 'publish')).toHaveLength(9);
  expect(order.at(-1)).toBe('ended by ack');
  expect(await transport.queues.depth('next')).toBe(1);
});

test('what the broker refuses for good puts the message into quarantine instead of losing what follows', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { carryOut, delivery, order, ended, transport } = await rig();
  const nowhere = { message: encodeTask({ name: 'tasks.b', taskId: 'b' }), exchange: '', routingKey: 'no-such-queue' };
  carryOut.begin(delivery, settlement({ publish: [nowhere] }), null);
  await vi.advanceTimersByTimeAsync(60_000);
  await ended;
  expect(order.at(-1)).toBe('ended by quarantine');
  expect(await transport.quarantine.list('q', 10)).toMatchObject([{ code: 'CELERIAC_E_PUBLISH', taskId: 'a' }]);
});

test('a claim that was lost before the acknowledgement is told', async () => {
  const { carryOut, delivery, order, ended, transport } = await rig();
  transport.breakConnections();
  carryOut.begin(delivery, settlement({ publish: [] }), null);
  await ended;
  expect(order).toEqual(['store SUCCESS', 'not settled']);
});

test('giving up leaves what is not stored to the broker', async () => {
  const { carryOut, delivery, order, failStores, ended } = await rig();
  failStores.push(new CeleriacError('CELERIAC_E_CONNECTION', 'away'));
  carryOut.begin(delivery, settlement(), null);
  await new Promise((resolve) => setImmediate(resolve));
  carryOut.giveUp();
  await ended;
  await carryOut.whenIdle();
  expect(order).toEqual(['store SUCCESS', 'not settled']);
});
