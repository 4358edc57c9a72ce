import { CeleriacError } from '@celeriac/protocol';
import type { Channel } from 'amqplib';
import { asError, type LiveConnection } from './amqp-link.ts';
import { openChannel, replyCode } from './rpc-channel.ts';
import { createFrameWriter } from './wire/frame-writer.ts';
import { writeQueueProbe } from './wire/outgoing-frames.ts';

/** A question about a queue. */
export interface ProbeQuestion {
  readonly name: string;
  /** With the messages ready and, where the queue exists, its consumers. */
  readonly resolve: (ready: number | null, consumers?: number) => void;
  readonly reject: (error: Error) => void;
}

/** Many questions under way on one channel. */
export interface ProbePipe {
  /** There are questions to be sent. */
  pull(): void;
}

/** What a pipe asks of whoever has the questions. */
export interface ProbeSource {
  /** Hands over the next question; undefined for none. */
  next(): ProbeQuestion | undefined;
  /** RabbitMQ closed the channel over this one. */
  refused(question: ProbeQuestion, code: number): void;
  /** Sent behind one that was refused: not answered, to be asked again. */
  unasked(question: ProbeQuestion): void;
}

/** The parts of amqplib 2's channel that are used here. */
interface RawChannel {
  readonly ch: number;
  accept(frame: { readonly id?: number; readonly fields: { readonly messageCount: number; readonly consumerCount: number } }): unknown;
}

const DECLARE_OK = 0x32_00_0b;
/** Questions on their way at most: what a refusal makes to be asked again. */
const WINDOW = 128;

/**
 * RabbitMQ answers the questions of a channel in their order, and takes the next ones before it has answered; amqplib would wait for each
 * answer. `live` hands over the connection, or rejects.
 */
export function createProbePipe(live: () => Promise<LiveConnection>, source: ProbeSource): ProbePipe {
  const writer = createFrameWriter(4_096);
  let current: { readonly live: LiveConnection; readonly raw: RawChannel; readonly sent: ProbeQuestion[] } | undefined;
  let isPulling = false;
  let opening = false;

  const open = async (): Promise<void> => {
    const connection = await live();
    const channel: Channel = await openChannel(connection);
    const raw = channel as unknown as RawChannel;
    const sent: ProbeQuestion[] = [];
    const mine = { live: connection, raw, sent };
    const accept = raw.accept.bind(raw);
    let failure: unknown;
    raw.accept = (frame) => {
      if (frame.id !== DECLARE_OK || sent.length === 0) return accept(frame);
      sent.shift()?.resolve(frame.fields.messageCount, frame.fields.consumerCount);
      if (sent.length === WINDOW >> 1 || sent.length === 0) pull();
      return undefined;
    };
    channel.on('error', (error: unknown) => {
      failure = error;
    });
    channel.once('close', () => {
      if (current === mine) current = undefined;
      settle(sent.splice(0), failure);
      pull();
    });
    current = mine;
  };
  const settle = ([first, ...others]: readonly ProbeQuestion[], failure: unknown): void => {
    if (first === undefined) return;
    const code = replyCode(failure);
    if (code === undefined) {
      const lost = new CeleriacError('CELERIAC_E_CONNECTION', 'the connection to RabbitMQ ended before it had answered');
      for (const question of [first, ...others]) question.reject(lost);
      return;
    }
    source.refused(first, code);
    for (const question of others) source.unasked(question);
  };
  const send = (): void => {
    isPulling = false;
    if (current === undefined) {
      if (opening) return;
      const first = source.next();
      if (first === undefined) return;
      opening = true;
      open().then(
        () => {
          opening = false;
          source.unasked(first);
          pull();
        },
        (error: unknown) => {
          opening = false;
          for (let question: ProbeQuestion | undefined = first; question !== undefined; question = source.next())
            question.reject(asError(error));
        },
      );
      return;
    }
    const { live: connection, raw, sent } = current;
    while (sent.length < WINDOW) {
      const question = source.next();
      if (question === undefined) break;
      try {
        writeQueueProbe(writer, raw.ch, question.name);
        sent.push(question);
      } catch (error) {
        question.reject(asError(error));
      }
    }
    if (writer.length > 0) connection.raw.sendBytes(writer.take());
  };
  const pull = (): void => {
    // Questions of one turn travel together.
    if (isPulling) return;
    isPulling = true;
    setImmediate(send);
  };

  return { pull };
}
