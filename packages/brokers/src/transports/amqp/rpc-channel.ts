import { CeleriacError } from '@celeriac/protocol';
import type { Channel } from 'amqplib';
import { type AmqpLink, asError, type LiveConnection } from './amqp-link.ts';

/** The code of a channel error: 404 not found, 405 locked, 406 precondition failed; undefined for others. */
export function replyCode(error: unknown): number | undefined {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === 'number' ? code : undefined;
}

/** One channel for declarations and questions, one after the other; RabbitMQ closes it at each error, and the next one has a new one. */
export interface RpcChannel {
  /** Errors of the broker keep their reply code; those of the connection are CELERIAC_E_CONNECTION. */
  run<T>(action: (channel: Channel, live: LiveConnection) => Promise<T>): Promise<T>;
}

export function createRpcChannel(link: AmqpLink, timeoutMs: number): RpcChannel {
  let current: { readonly live: LiveConnection; readonly channel: Promise<Channel> } | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function obtain(): Promise<{ live: LiveConnection; channel: Channel }> {
    const live = await link.ready(timeoutMs);
    if (current?.live !== live) {
      const mine = { live, channel: openChannel(live) };
      current = mine;
      const drop = (): void => {
        if (current === mine) current = undefined;
      };
      mine.channel.then((channel) => channel.once('close', drop), drop);
    }
    return { live, channel: await current.channel };
  }

  return {
    run(action) {
      const turn = last.then(async () => {
        const { live, channel } = await obtain();
        try {
          return await action(channel, live);
        } catch (error) {
          if (link.live === live || replyCode(error) !== undefined) throw error;
          throw new CeleriacError('CELERIAC_E_CONNECTION', `the connection to RabbitMQ ended: ${asError(error).message}`, { cause: error });
        }
      });
      last = turn.catch(() => {});
      return turn;
    },
  };
}

/** A channel whose errors do not end the process. */
export async function openChannel(live: LiveConnection): Promise<Channel> {
  const channel = await live.model.createChannel();
  channel.on('error', () => {});
  return channel;
}

/** Turns what the broker says into CELERIAC_E_BROKER, and leaves our own errors alone. */
export function brokerError(error: unknown, doing: string): Error {
  if (error instanceof CeleriacError) return error;
  return new CeleriacError('CELERIAC_E_BROKER', `${doing}: ${asError(error).message}`, { cause: error });
}
