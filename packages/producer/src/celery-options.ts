import type { Logger } from '@celeriac/brokers';
import type { PoolList } from '@celeriac/protocol';
import type { DestinationConfig } from './destination.ts';
import type { PublishRetryPolicy } from './publish-retry.ts';

export interface CeleryOptions extends DestinationConfig {
  /** Celery's broker_url: redis://, rediss://, sentinel://, amqp://, amqps:// or memory://. */
  readonly broker: string;
  /** Celery's result_backend. Absent: results cannot be asked for. */
  readonly backend?: string;
  /** Celery's broker_transport_options in camelCase. */
  readonly brokerTransportOptions?: Readonly<Record<string, unknown>>;
  readonly resultBackendTransportOptions?: Readonly<Record<string, unknown>>;
  /**
   * Worker pools and their sizes, as `pools` of a pools.yaml: tasks that say what they need go to the smallest pool that has it. Read at the first
   * call, which rejects with CELERIAC_E_CONFIG where it cannot be used. Default: none, and what contracts say they need is not looked at.
   */
  readonly pools?: PoolList;
  /** How a publish that the broker did not take is tried again. Default: 3 retries after 0, 200 and 400 ms, as Celery. */
  readonly publishRetry?: PublishRetryPolicy;
  /** How long one try of a publish may take; no other try begins after it. Default 15,000. */
  readonly publishTimeoutMs?: number;
  /**
   * Celery's task_send_sent_event: tells listeners of each message the broker has taken (`task-sent`), which metrics of how long tasks wait
   * in a queue need. No call waits for an event or fails because of one. Default false.
   */
  readonly taskSendSentEvent?: boolean;
  readonly logger?: Logger;
}
