import type { ControlHandler, QueueDeclaration } from '@celeriac/brokers';
import type { ControlledNode } from './node.ts';
import { isQueueName } from './queue-info.ts';
import { revoke } from './revoke.ts';

/** More queues or slots than this are not taken from the wire. */
const MAX_QUEUES = 1_000;
const MAX_SLOTS = 1_024;

/** The commands that change something (celery/worker/control.py `control_command`). Their arguments come from strangers. */
export function commandHandlers(node: ControlledNode): Record<string, ControlHandler> {
  return {
    revoke: (args) => revoke(node, args),
    terminate: (args) => revoke(node, { ...args, terminate: true }),
    add_consumer: (args) => addConsumer(node, args),
    cancel_consumer: async ({ queue }) => {
      if (!isQueueName(queue)) return { error: "ValueError('queue')" };
      await node.consumer()?.cancelQueue(queue);
      return { ok: `no longer consuming from ${queue}` };
    },
    enable_events: () => switchEvents(node, true),
    disable_events: () => switchEvents(node, false),
    heartbeat: () => {
      node.dispatcher.beat();
      return null;
    },
    pool_grow: ({ n }) => resize(node, n ?? 1, 1, 'pool will grow'),
    pool_shrink: ({ n }) => resize(node, n ?? 1, -1, 'pool will shrink'),
    shutdown: () => {
      node.logger.info({}, 'shutdown asked for by remote control');
      node.shutdown();
      return undefined; // as Celery: nobody answers
    },
  };
}

async function addConsumer(node: ControlledNode, args: Readonly<Record<string, unknown>>): Promise<unknown> {
  const { queue, exchange, exchange_type: exchangeType, routing_key: routingKey } = args;
  const consumer = node.consumer();
  if (!isQueueName(queue) || consumer === undefined) return { error: "ValueError('queue')" };
  if (consumer.queues.some(({ name }) => name === queue)) return { ok: `already consuming from ${queue}` };
  if (consumer.queues.length >= MAX_QUEUES) return { error: "ValueError('too many queues')" };
  const type = exchangeType === 'topic' || exchangeType === 'fanout' ? exchangeType : 'direct';
  const declaration: QueueDeclaration = {
    name: queue,
    ...(isQueueName(exchange) ? { exchange, exchangeType: type } : {}),
    ...(isQueueName(routingKey) ? { routingKey } : {}),
  };
  await consumer.addQueue(declaration);
  return { ok: `add consumer ${queue}` };
}

function switchEvents({ reporter }: ControlledNode, on: boolean): unknown {
  const word = on ? 'enabled' : 'disabled';
  if (reporter.taskEvents === on) return { ok: `task events already ${word}` };
  reporter.taskEvents = on;
  return { ok: `task events ${word}` };
}

async function resize({ pool }: ControlledNode, n: unknown, sign: 1 | -1, text: string): Promise<unknown> {
  if (typeof n !== 'number' || !Number.isInteger(n) || n < 1 || n > MAX_SLOTS) return { error: "ValueError('n')" };
  const slots = pool.slots.total + sign * n;
  if (slots < 1 || slots > MAX_SLOTS) return { error: `ValueError('slots: 1 to ${MAX_SLOTS}')` };
  await pool.resize(slots);
  return { ok: text };
}
