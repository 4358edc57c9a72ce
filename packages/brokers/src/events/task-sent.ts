import type { Publication } from '../transports/transport.ts';

/**
 * Fields of `task-sent` beside the common ones (celery/app/amqp.py `as_task_v2` and `send_task_message`), as the message's headers have
 * them. `queue` is null where the caller named an exchange of their own: which queues that reaches is the broker's to know.
 */
export function taskSentFields({ message, exchange, routingKey, queue }: Publication): Readonly<Record<string, unknown>> {
  const { headers } = message;
  return {
    uuid: headers['id'],
    root_id: headers['root_id'],
    parent_id: headers['parent_id'],
    name: headers['task'],
    args: headers['argsrepr'],
    kwargs: headers['kwargsrepr'],
    retries: headers['retries'],
    eta: headers['eta'],
    expires: headers['expires'],
    queue: queue?.name ?? (exchange === '' ? routingKey : null),
    exchange,
    routing_key: routingKey,
  };
}
