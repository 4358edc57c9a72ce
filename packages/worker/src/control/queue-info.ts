import type { QueueDeclaration } from '@celeriac/brokers';

/** One queue as `inspect active_queues` shows it (kombu/entity.py `Queue.as_dict`). */
export function queueInfo(queue: QueueDeclaration): Record<string, unknown> {
  const durable = queue.durable ?? true;
  return {
    name: queue.name,
    exchange: {
      name: queue.exchange ?? queue.name,
      type: queue.exchangeType ?? 'direct',
      arguments: null,
      durable,
      passive: false,
      auto_delete: false,
      delivery_mode: null,
      no_declare: false,
    },
    routing_key: queue.routingKey ?? queue.name,
    queue_arguments: queue.arguments ?? null,
    binding_arguments: null,
    consumer_arguments: null,
    durable,
    exclusive: false,
    auto_delete: false,
    no_ack: false,
    alias: null,
    bindings: [],
    no_declare: null,
    expires: null,
    message_ttl: null,
    max_length: null,
    max_length_bytes: null,
    max_priority: null,
  };
}

/** Whether a queue name that came over the wire may be consumed: printable, no longer than AMQP allows, nothing that kombu's key layout reserves. */
export function isQueueName(name: unknown): name is string {
  return typeof name === 'string' && name.length > 0 && name.length <= 255 && !/[\u0000-\u001f\u007f*]/.test(name);
}
