import { closedError } from './amqp-link.ts';
import { brokerError, type RpcChannel, replyCode } from './rpc-channel.ts';

/** Asks RabbitMQ how much waits in its queues, by passive declares. */
export interface QueueProbes {
  /** Messages ready, or null where the queue does not exist. Whoever asks for the same queue before the question is sent shares it. */
  ask(name: string): Promise<number | null>;
  /** Everything that has not been answered rejects with CELERIAC_E_CLOSED. */
  close(): void;
}

interface Question {
  readonly name: string;
  readonly answer: Promise<number | null>;
  readonly resolve: (ready: number | null) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One question at a time on each channel, so that a hung broker is asked at most once more for each queue. A missing queue closes the
 * channel it was asked on (404), which gets a new one.
 */
export function createQueueProbes(channels: readonly RpcChannel[]): QueueProbes {
  const waiting = new Map<string, Question>();
  const idle = [...channels];
  let closed = false;

  const put = async ({ name, resolve, reject }: Question, channel: RpcChannel): Promise<void> => {
    try {
      resolve((await channel.run((open) => open.checkQueue(name))).messageCount);
    } catch (error) {
      if (replyCode(error) === 404) resolve(null);
      else reject(brokerError(error, `queue '${name}' cannot be looked at`));
    }
  };
  const work = async (channel: RpcChannel): Promise<void> => {
    for (const [name, question] of waiting) {
      waiting.delete(name);
      await put(question, channel);
    }
    idle.push(channel);
  };

  return {
    ask(name) {
      if (closed) return Promise.reject(closedError());
      const asked = waiting.get(name);
      if (asked !== undefined) return asked.answer;
      const { promise, resolve, reject } = Promise.withResolvers<number | null>();
      waiting.set(name, { name, answer: promise, resolve, reject });
      const channel = idle.pop();
      if (channel !== undefined) void work(channel);
      return promise;
    },
    close() {
      closed = true;
      for (const question of waiting.values()) question.reject(closedError());
      waiting.clear();
    },
  };
}
