import { closedError } from './amqp-link.ts';
import { createProbePipe, type ProbePipe, type ProbeQuestion } from './probe-pipe.ts';
import { brokerError, type RpcChannel, replyCode } from './rpc-channel.ts';

/** Asks RabbitMQ how much waits in its queues, by passive declares. */
export interface QueueProbes {
  /** Messages ready, or null where the queue does not exist. Whoever asks for the same queue before the question is sent shares it. */
  ask(name: string): Promise<number | null>;
  /** Consumers of the queue at the last answer; 0 where it did not exist then. */
  consumersOf(name: string): number;
  /** Everything that has not been answered rejects with CELERIAC_E_CLOSED. */
  close(): void;
}

interface Question extends ProbeQuestion {
  readonly answer: Promise<number | null>;
}

/**
 * Queues known to exist are asked about in a row over one channel. A missing queue closes the channel it was asked on (404), so that those
 * not known are asked about one at a time on channels of their own. A hung broker is asked at most once more for each queue.
 */
export function createQueueProbes(channels: readonly RpcChannel[], openPipe: Parameters<typeof createProbePipe>[0]): QueueProbes {
  const known = new Set<string>();
  const consumers = new Map<string, number>();
  const toPipe = new Map<string, Question>();
  const toChannels = new Map<string, Question>();
  const idle = [...channels];
  let closed = false;

  const put = async ({ name, resolve, reject }: Question, channel: RpcChannel): Promise<void> => {
    try {
      const { messageCount, consumerCount } = await channel.run((open) => open.checkQueue(name));
      known.add(name);
      resolve(messageCount, consumerCount);
    } catch (error) {
      if (replyCode(error) === 404) resolve(null);
      else reject(brokerError(error, `queue '${name}' cannot be looked at`));
    }
  };
  const work = async (channel: RpcChannel): Promise<void> => {
    for (const [name, question] of toChannels) {
      toChannels.delete(name);
      await put(question, channel);
    }
    idle.push(channel);
  };
  const queueUp = (question: Question): void => {
    if (known.has(question.name)) {
      toPipe.set(question.name, question);
      pipe.pull();
      return;
    }
    toChannels.set(question.name, question);
    const channel = idle.pop();
    if (channel !== undefined) void work(channel);
  };
  const pipe: ProbePipe = createProbePipe(openPipe, {
    next() {
      for (const [name, question] of toPipe) {
        toPipe.delete(name);
        return question;
      }
      return undefined;
    },
    refused(question, code) {
      known.delete(question.name);
      if (code === 404) question.resolve(null);
      else ask(question.name).then(question.resolve, question.reject);
    },
    unasked: (question) => void ask(question.name).then(question.resolve, question.reject),
  });
  const ask = (name: string): Promise<number | null> => {
    if (closed) return Promise.reject(closedError());
    const asked = toPipe.get(name) ?? toChannels.get(name);
    if (asked !== undefined) return asked.answer;
    const { promise, resolve, reject } = Promise.withResolvers<number | null>();
    const answer = (ready: number | null, counted?: number): void => {
      if (ready === null) consumers.delete(name);
      else if (counted !== undefined) consumers.set(name, counted);
      resolve(ready);
    };
    queueUp({ name, answer: promise, resolve: answer, reject });
    return promise;
  };

  return {
    ask,
    consumersOf: (name) => consumers.get(name) ?? 0,
    close() {
      closed = true;
      for (const question of [...toPipe.values(), ...toChannels.values()]) question.reject(closedError());
      toPipe.clear();
      toChannels.clear();
    },
  };
}
