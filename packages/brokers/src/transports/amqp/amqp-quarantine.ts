import { randomUUID } from 'node:crypto';
import { CeleriacError, isCeleriacError, type Message } from '@celeriac/protocol';
import type { Channel, GetMessage } from 'amqplib';
import type { QuarantineReason } from '../delivery.ts';
import type { Quarantine, QuarantineEntry } from '../transport.ts';
import type { AmqpDelivery, ReceivedMessage } from './amqp-delivery.ts';
import type { AmqpLink } from './amqp-link.ts';
import type { AmqpPublisher } from './amqp-publisher.ts';
import { queuePrerequisite } from './declare-queue.ts';
import { openChannel, type RpcChannel, replyCode } from './rpc-channel.ts';

const RECORD_HEADER = 'x-celeriac-quarantine';
const ARGUMENTS = { 'x-max-length': 10_000, 'x-overflow': 'drop-head' };
/** Where what a queue's worker put away lies. */
export const quarantineOf = (queue: string): string => `${queue}.quarantine`;

export interface AmqpQuarantine extends Omit<Quarantine, 'lengths'> {
  /** Publishes a copy with its reason, with confirm. */
  putAway(delivery: AmqpDelivery, reason: QuarantineReason): Promise<void>;
}

/**
 * `<queue>.quarantine`: a durable queue of at most 10,000 messages, the oldest dropped first. A message in it is the original with the header
 * `x-celeriac-quarantine`. Looking takes the messages and gives them all back in their places, so two who look at once see parts.
 */
export function createAmqpQuarantine(link: AmqpLink, rpc: RpcChannel, publisher: AmqpPublisher, timeoutMs: number): AmqpQuarantine {
  /** Walks the shelf from the oldest; what `visit` does not settle is given back when it says stop or at the end. */
  async function walk(
    queue: string,
    visit: (entry: QuarantineEntry, found: Found, channel: Channel) => Promise<'go on' | 'stop'>,
  ): Promise<void> {
    const live = await link.ready(timeoutMs);
    const channel = await openChannel(live);
    try {
      for (let got = await channel.get(quarantineOf(queue)); got !== false; got = await channel.get(quarantineOf(queue))) {
        const found = { got, received: got as unknown as ReceivedMessage };
        const entry = readEntry(queue, found.received);
        if (entry !== undefined && (await visit(entry, found, channel)) === 'stop') break;
      }
    } catch (error) {
      if (replyCode(error) !== 404) throw error;
    } finally {
      await channel.close().catch(() => {});
    }
  }

  async function find(
    queue: string,
    key: string,
    act: (entry: QuarantineEntry, found: Found, channel: Channel) => Promise<void>,
  ): Promise<boolean> {
    let hit = false;
    await walk(queue, async (entry, found, channel) => {
      if (entry.key !== key) return 'go on';
      hit = true;
      await act(entry, found, channel);
      return 'stop';
    });
    return hit;
  }

  return {
    async putAway(delivery, { code, reason }) {
      const { queue, exchange, routingKey, message, sizeBytes, lacks } = delivery;
      const record = { key: randomUUID(), code, reason, atMs: Date.now(), queue, exchange, routingKey, sizeBytes };
      const declaration = { name: quarantineOf(queue), exchange: '', arguments: ARGUMENTS };
      const put = (kept: Message, missing: AmqpDelivery['lacks']): Promise<void> => {
        const extraHeaders = { [RECORD_HEADER]: missing === null ? record : { ...record, lacks: missing } };
        const outgoing = { message: kept, exchange: '', routingKey: quarantineOf(queue), mandatory: true, extraHeaders };
        return publisher.publish(outgoing, queuePrerequisite(rpc, declaration));
      };
      try {
        await put(withoutExpiration(message), lacks);
      } catch (error) {
        if (!isCeleriacError(error, 'CELERIAC_E_VALUE')) throw error;
        await put(bareCopy(message), 'headers');
      }
    },
    async list(queue, limit) {
      const entries: QuarantineEntry[] = [];
      if (limit > 0) {
        await walk(queue, async (entry) => {
          entries.push(entry);
          return entries.length < limit ? 'go on' : 'stop';
        });
      }
      return entries;
    },
    async show(queue, key) {
      let shown: { readonly entry: QuarantineEntry; readonly original: Uint8Array } | undefined;
      await find(queue, key, async (entry, { received }) => {
        shown = { entry, original: describe(received) };
      });
      return shown;
    },
    retry: (queue, key) =>
      find(queue, key, async (_entry, { got, received }, channel) => {
        const { lacks } = recordOf(received) ?? {};
        if (typeof lacks === 'string') {
          throw new CeleriacError(
            'CELERIAC_E_BROKER',
            `${key} was put away without its ${lacks}, so it cannot be put back; it can be shown and dropped`,
          );
        }
        await publisher.publish({ message: originalOf(received), exchange: '', routingKey: queue, mandatory: true });
        channel.ack(got);
      }),
    drop: (queue, key) =>
      find(queue, key, async (_entry, { got }, channel) => {
        channel.ack(got);
      }),
  };
}

interface Found {
  readonly got: GetMessage;
  readonly received: ReceivedMessage;
}

function recordOf({ properties }: ReceivedMessage): Readonly<Record<string, unknown>> | undefined {
  const record = properties.headers[RECORD_HEADER];
  return typeof record === 'object' && record !== null ? (record as Readonly<Record<string, unknown>>) : undefined;
}

function readEntry(queue: string, received: ReceivedMessage): QuarantineEntry | undefined {
  const { properties } = received;
  const record = recordOf(received);
  if (typeof record?.['key'] !== 'string') return undefined;
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  return {
    key: record['key'],
    queue,
    code: text(record['code']) ?? '',
    reason: text(record['reason']) ?? '',
    quarantinedAtMs: Number(record['atMs']),
    taskId: text(properties.headers['id']) ?? text(properties.properties.correlationId),
    taskName: text(properties.headers['task']),
    sizeBytes: Number(record['sizeBytes']),
  };
}

function originalOf({ properties, content }: ReceivedMessage): Message {
  const { [RECORD_HEADER]: _record, ...headers } = properties.headers;
  const { contentType, contentEncoding } = properties;
  return { headers, properties: properties.properties, contentType, contentEncoding, body: content };
}

/** JSON of headers, properties and the body in base64. */
function describe(received: ReceivedMessage): Uint8Array {
  const { body, ...rest } = originalOf(received);
  const plain = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);
  return new TextEncoder().encode(JSON.stringify({ ...rest, body: Buffer.from(body).toString('base64') }, plain));
}

/** What can always be written of a message whose headers fill a frame, or grow when they are written again as UTF-8. */
function bareCopy({ headers, properties, body }: Message): Message {
  const short = (value: unknown): string | undefined => (typeof value === 'string' && value.length <= 85 ? value : undefined);
  const { correlationId, deliveryMode, priority } = properties;
  return {
    headers: { id: short(headers['id']), task: short(headers['task']) },
    properties: {
      ...(short(correlationId) === undefined ? {} : { correlationId: correlationId as string }),
      ...(deliveryMode === undefined ? {} : { deliveryMode }),
      ...(priority === undefined ? {} : { priority }),
    },
    contentType: undefined,
    contentEncoding: undefined,
    body,
  };
}

/** A message put away stays until somebody looks, whatever time to live it had. */
function withoutExpiration(message: Message): Message {
  const { expirationMs: _expirationMs, ...properties } = message.properties;
  return { ...message, properties };
}
