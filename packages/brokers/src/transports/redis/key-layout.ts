import { CeleriacError } from '@celeriac/protocol';
import { type RedisOptions, seconds } from './redis-settings.ts';

/** kombu's keys and ours, with prefix and separators applied. Source: kombu/transport/redis.py `Channel`. */
export interface KeyLayout {
  readonly prefix: string;
  readonly separator: string;
  /** Ascending; the first of them has no suffix. */
  readonly prioritySteps: readonly number[];
  readonly unacked: string;
  readonly unackedIndex: string;
  readonly visibilityTimeoutMs: number;
  /** How long claims outlive a worker that no longer renews its lease. */
  readonly leaseMs: number;
  readonly queueOrder: 'round_robin' | 'sorted' | 'priority';
  /** Lists of a queue, one per priority step, the most urgent first. */
  buckets(queue: string): readonly string[];
  bucketFor(queue: string, priority: number | undefined): string;
  bindingTable(exchange: string): string;
  permanentBindings(exchange: string): string;
  readonly bindingDeadlines: string;
  bindingMember(routingKey: string, pattern: string, queue: string): string;
  /** The pub/sub channel of a fan-out exchange. */
  channel(exchange: string, routingKey: string): string;
  /** The exchange and routing key of a channel, or undefined where it is none of ours. */
  fromChannel(channel: string, exchange: string): string | undefined;
  /** Sorted set of claim owners, score = when the lease ends by the server's clock (epoch ms); 0 = given up. */
  readonly owners: string;
  /** Prefix of the hashes of claims: `<prefix><owner>`: tag to `<started><suffix length> <bucket>`. */
  readonly claims: string;
  /** Sorted set of parked tags, score = due (epoch s). */
  readonly due: string;
  /** Hash of parked tags to `<suffix length> <bucket>`. */
  readonly dueBuckets: string;
  quarantine(queue: string): { readonly entries: string; readonly index: string; readonly counts: string };
}

export function keyLayout(database: number, options: RedisOptions = {}): KeyLayout {
  const prefix = text(options, 'globalKeyprefix', '');
  const separator = text(options, 'sep', '\u0006\u0016');
  const steps = (options.prioritySteps ?? [0, 3, 6, 9]) as readonly number[];
  if (!Array.isArray(steps) || steps.length === 0 || !steps.every((step) => Number.isInteger(step) && step >= 0)) {
    throw new CeleriacError('CELERIAC_E_CONFIG', 'the transport option prioritySteps must be a list of whole numbers');
  }
  const prioritySteps = [...steps].sort((a, b) => a - b);
  const queueOrder = options.queueOrderStrategy ?? 'round_robin';
  if (queueOrder !== 'round_robin' && queueOrder !== 'sorted' && queueOrder !== 'priority') {
    throw new CeleriacError('CELERIAC_E_CONFIG', 'the transport option queueOrderStrategy must be round_robin, sorted or priority');
  }
  const fanoutPrefix =
    options.fanoutPrefix === false ? '' : text({ p: options.fanoutPrefix === true ? undefined : options.fanoutPrefix }, 'p', '/{db}.');
  const channelPrefix = prefix + fanoutPrefix.replaceAll('{db}', String(database));
  const hasPatterns = options.fanoutPatterns !== false;
  const bucket = (queue: string, step: number): string => `${prefix}${queue}${step === 0 ? '' : `${separator}${step}`}`;
  const channel = (exchange: string, routingKey: string): string =>
    `${channelPrefix}${exchange}${routingKey !== '' && hasPatterns ? `/${routingKey}` : ''}`;

  return {
    prefix,
    separator,
    prioritySteps,
    queueOrder,
    leaseMs: seconds(options, 'claimLease', 15) * 1000,
    unacked: prefix + text(options, 'unackedKey', 'unacked'),
    unackedIndex: prefix + text(options, 'unackedIndexKey', 'unacked_index'),
    visibilityTimeoutMs: seconds(options, 'visibilityTimeout', 3_600) * 1000,
    buckets: (queue) => prioritySteps.map((step) => bucket(queue, step)),
    bucketFor(queue, priority) {
      const clamped = Math.max(0, Math.min(9, priority ?? 0));
      const step = prioritySteps.findLast((candidate) => candidate <= clamped) ?? (prioritySteps.at(-1) as number);
      return bucket(queue, step);
    },
    bindingTable: (exchange) => `${prefix}_kombu.binding.${exchange}`,
    permanentBindings: (exchange) => `${prefix}_kombu.binding_permanent.${exchange}`,
    bindingDeadlines: `${prefix}_kombu.binding_deadlines`,
    bindingMember: (routingKey, pattern, queue) => [routingKey, pattern, queue].join(separator),
    channel,
    fromChannel(name, exchange) {
      const plain = channel(exchange, '');
      if (name === plain) return '';
      return name.startsWith(`${plain}/`) ? name.slice(plain.length + 1) : undefined;
    },
    owners: `${prefix}celeriac.owners`,
    claims: `${prefix}celeriac.claims.`,
    due: `${prefix}celeriac.due`,
    dueBuckets: `${prefix}celeriac.due.buckets`,
    quarantine: (queue) => ({
      entries: `${prefix}${queue}.quarantine`,
      index: `${prefix}${queue}.quarantine.index`,
      counts: `${prefix}${queue}.quarantine.counts`,
    }),
  };
}

/** What stands behind the message in its `unacked` entry: kombu restores to the default exchange with the queue as routing key. */
export function unackedSuffix(queueJson: string): string {
  return `, "", ${queueJson}]`;
}

function text(options: RedisOptions, name: string, fallback: string): string {
  const value = options[name] ?? fallback;
  if (typeof value === 'string') return value;
  throw new CeleriacError('CELERIAC_E_CONFIG', `the transport option ${name} must be text`);
}
