import { CeleriacError } from '@celeriac/protocol';

/** What `transportOptions` may hold for AMQP. */
export interface AmqpSettings {
  /** Unconfirmed messages on their way at once; more wait. Default 1,000. */
  readonly publishWindow: number;
  /** Longest body handed out as a message, in bytes; default 8 MiB. Bodies over four times this are not even received. */
  readonly messageBytes: number;
  /** RabbitMQ's consumer_timeout in milliseconds; a delivery held for 80 % of it becomes a lease. Default 1,800,000, RabbitMQ's own. */
  readonly consumerTimeoutMs: number;
  /** How long the message of a dead worker that held it as a lease stays away; default 60,000. Renewed three times in that. */
  readonly heldLeaseMs: number;
  /** Celery's `broker_native_delayed_delivery_queue_type`; must be what Python workers on the same broker use. Default `quorum`. */
  readonly nativeDelayedDeliveryQueueType: 'quorum' | 'classic';
}

/** Throws CELERIAC_E_CONFIG for a value of the wrong kind; unknown names are left to others. */
export function readAmqpSettings(options: Readonly<Record<string, unknown>>): AmqpSettings {
  const positive = (name: string, fallback: number): number => {
    const value = options[name] ?? fallback;
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    throw new CeleriacError('CELERIAC_E_CONFIG', `brokerTransportOptions.${name} must be a positive number`);
  };
  const queueType = options['nativeDelayedDeliveryQueueType'] ?? 'quorum';
  if (queueType !== 'quorum' && queueType !== 'classic') {
    throw new CeleriacError('CELERIAC_E_CONFIG', "brokerTransportOptions.nativeDelayedDeliveryQueueType must be 'quorum' or 'classic'");
  }
  return {
    publishWindow: positive('publishWindow', 1_000),
    messageBytes: positive('messageBytes', 8 * 1024 * 1024),
    consumerTimeoutMs: positive('consumerTimeoutMs', 1_800_000),
    heldLeaseMs: positive('heldLeaseMs', 60_000),
    nativeDelayedDeliveryQueueType: queueType,
  };
}
