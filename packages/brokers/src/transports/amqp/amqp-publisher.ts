import { CeleriacError, isCeleriacError } from '@celeriac/protocol';
import type { Channel } from 'amqplib';
import type { Logger } from '../../observe/logger.ts';
import { type AmqpLink, asError, closedError, isRefusal, type LiveConnection } from './amqp-link.ts';
import { createConfirmWindow, type WindowEntry } from './confirm-window.ts';
import type { Prerequisite } from './declare-queue.ts';
import type { ReceivedProperties } from './wire/basic-properties.ts';
import { createFrameWriter } from './wire/frame-writer.ts';
import { type OutgoingMessage, writePublish } from './wire/outgoing-frames.ts';

const BATCH_BYTES = 64 * 1024;
const MAX_CHANNEL_LOSSES = 3;
const DEADLINE_TICK_MS = 100;

/** Publishes with confirms: a promise resolves only when the broker has the message. */
export interface AmqpPublisher {
  /** `before` is declared before the first message that names it, once for each connection. Messages keep their order. */
  publish(outgoing: OutgoingMessage, before?: Prerequisite): Promise<void>;
  /** Takes no more, and waits so long for what is on its way. */
  close(graceMs: number): Promise<void>;
}

export interface AmqpPublisherOptions {
  readonly link: AmqpLink;
  /** How many messages may be on their way unconfirmed; more wait. */
  readonly window: number;
  readonly timeoutMs: number;
  readonly logger: Logger;
}

interface Entry extends WindowEntry {
  readonly outgoing: OutgoingMessage;
  readonly before: Prerequisite | undefined;
  readonly deadlineMs: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  sent: boolean;
  settled: boolean;
  channelLosses: number;
}

/**
 * One confirm channel with a window. What a lost connection leaves unconfirmed is sent again, the same message, in the same order, until its
 * deadline; after that it rejects with CELERIAC_E_PUBLISH_UNCERTAIN, or CELERIAC_E_PUBLISH where it was never sent.
 */
export function createAmqpPublisher({ link, window, timeoutMs, logger }: AmqpPublisherOptions): AmqpPublisher {
  const writer = createFrameWriter();
  const inFlight = createConfirmWindow<Entry>();
  let waiting: Entry[] = [];
  let channel: { readonly live: LiveConnection; readonly number: number } | undefined;
  let opening = false;
  let declaring = false;
  let blocked: string | null = null;
  let flushing: NodeJS.Immediate | undefined;
  let deadlineTimer: NodeJS.Timeout | undefined;
  let started = false;
  let closed = false;
  let ended = false;
  let whenIdle: (() => void) | undefined;

  const stopListening = link.listen({
    onUp: () => schedule(),
    onDown: () => lose(undefined),
    onProblem: refuseWaiting,
    onBlocked(reason) {
      if (reason !== null) logger.warn({ reason }, 'RabbitMQ takes no messages for now; publishing waits');
      blocked = reason;
      schedule();
    },
  });

  const finish = (entry: Entry, error: Error | undefined): void => {
    if (entry.settled) return;
    entry.settled = true;
    if (error === undefined) entry.resolve();
    else entry.reject(error);
    tellIdle();
  };

  const tellIdle = (): void => {
    if (whenIdle !== undefined && waiting.length === 0 && inFlight.size === 0) whenIdle();
  };

  /** Takes everything unconfirmed back to the front of the line. `cause` is the error of the channel, undefined for a lost connection. */
  function lose(cause: Error | undefined): void {
    channel = undefined;
    const unconfirmed = inFlight.takeAll().filter((entry) => !entry.settled);
    const culprits = cause === undefined ? [] : unconfirmed.filter((entry) => isCulprit(entry, cause));
    // What waits for the same exchange would close the next channels, until the messages beside it had lost too many.
    if (cause !== undefined) culprits.push(...waiting.filter((entry) => !entry.settled && awaitsRefusal(entry, cause)));
    for (const entry of culprits) finish(entry, refusal(entry, cause as Error));
    for (const entry of unconfirmed) {
      if (entry.settled || cause === undefined) continue;
      entry.channelLosses++;
      if (entry.channelLosses >= MAX_CHANNEL_LOSSES) finish(entry, uncertain(entry, `the channel was closed: ${cause.message}`));
    }
    waiting = [...unconfirmed, ...waiting].filter((entry) => !entry.settled);
    tellIdle();
    schedule();
  }

  async function openConfirmChannel(live: LiveConnection): Promise<void> {
    const opened = await live.model.createConfirmChannel();
    let cause: Error | undefined;
    opened.on('error', (error: Error) => {
      cause = error;
    });
    opened.on('close', () => {
      if (channel?.live === live && link.live === live) lose(cause ?? new Error('the channel was closed'));
    });
    opened.on('ack', ({ deliveryTag, multiple }) => {
      for (const entry of inFlight.confirm(deliveryTag, multiple)) finish(entry, entry.returned ? unroutable(entry) : undefined);
      schedule();
    });
    opened.on('nack', ({ deliveryTag, multiple }) => {
      for (const entry of inFlight.confirm(deliveryTag, multiple)) finish(entry, refusal(entry, new Error('the broker refused it')));
      schedule();
    });
    opened.on('return', ({ fields, properties }) => {
      const { exchange, routingKey } = fields as { readonly exchange: string; readonly routingKey: string };
      const { bodyBytes } = properties as unknown as ReceivedProperties;
      inFlight.markReturned(
        ({ outgoing }) =>
          outgoing.exchange === exchange && outgoing.routingKey === routingKey && outgoing.message.body.length === bodyBytes,
      );
    });
    channel = { live, number: (opened as unknown as Channel & { readonly ch: number }).ch };
  }

  function schedule(): void {
    if (waiting.length > 0 && !ended) flushing ??= setImmediate(flush);
  }

  function flush(): void {
    flushing = undefined;
    const { live } = link;
    if (ended || live === undefined || blocked !== null) return;
    if (channel?.live !== live) {
      if (opening) return;
      opening = true;
      openConfirmChannel(live)
        .catch((error: unknown) => logger.warn({ err: error }, 'no channel for publishing'))
        .finally(() => {
          opening = false;
          if (link.live !== undefined) schedule();
        });
      return;
    }
    if (declaring) return;
    let taken = 0;
    while (taken < waiting.length && inFlight.size < window) {
      const entry = waiting[taken] as Entry;
      if (entry.before !== undefined && !live.ready.has(entry.before.name)) {
        declare(entry.before);
        break;
      }
      taken++;
      if (!entry.settled) send(channel.number, live, entry);
    }
    if (taken > 0) waiting.splice(0, taken);
    if (writer.length > 0) live.raw.sendBytes(writer.take());
  }

  /** Stops the line until it stands, so that the order is kept; where it cannot be declared, whoever needs it is told. */
  function declare(before: Prerequisite): void {
    declaring = true;
    before
      .declare()
      .catch((error: unknown) => {
        if (link.live === undefined || isCeleriacError(error, 'CELERIAC_E_CONNECTION')) return;
        for (const entry of waiting) if (entry.before?.name === before.name) finish(entry, asError(error));
        waiting = waiting.filter((entry) => !entry.settled);
      })
      .finally(() => {
        declaring = false;
        schedule();
      });
  }

  function send(number: number, live: LiveConnection, entry: Entry): void {
    try {
      writePublish(writer, number, live.raw.frameMax, entry.outgoing);
    } catch (error) {
      finish(
        entry,
        error instanceof CeleriacError ? error : new CeleriacError('CELERIAC_E_VALUE', asError(error).message, { cause: error }),
      );
      return;
    }
    entry.sent = true;
    entry.returned = false;
    inFlight.add(entry);
    if (writer.length >= BATCH_BYTES) live.raw.sendBytes(writer.take());
  }

  function watchDeadlines(): void {
    deadlineTimer ??= setInterval(() => {
      const nowMs = performance.now();
      const late = (entry: Entry): boolean => entry.deadlineMs <= nowMs;
      for (const entry of inFlight.oldest(late)) finish(entry, uncertain(entry, `no confirm within ${timeoutMs} ms`));
      while (waiting.length > 0 && (late(waiting[0] as Entry) || waiting[0]?.settled)) {
        const entry = waiting.shift() as Entry;
        const why = blocked === null ? 'no connection' : `the broker takes no messages: ${blocked}`;
        finish(entry, entry.sent ? uncertain(entry, `no confirm within ${timeoutMs} ms`) : tooLate(entry, why));
      }
      if (waiting.length > 0) link.hurry();
      if (inFlight.size > 0 || waiting.length > 0) return;
      clearInterval(deadlineTimer);
      deadlineTimer = undefined;
    }, DEADLINE_TICK_MS);
  }

  const tooLate = (entry: Entry, why: string): CeleriacError =>
    new CeleriacError('CELERIAC_E_PUBLISH', `${destination(entry)} was not published within ${timeoutMs} ms: ${why}`);

  const enqueue = (outgoing: OutgoingMessage, before: Prerequisite | undefined, deadlineMs: number): Promise<void> =>
    new Promise((resolve, reject) => {
      waiting.push({ outgoing, before, deadlineMs, resolve, reject, sent: false, settled: false, returned: false, channelLosses: 0 });
      watchDeadlines();
      schedule();
    });

  return {
    publish(outgoing, before) {
      if (closed) return Promise.reject(closedError());
      if (!started) link.ready(timeoutMs).catch((error: unknown) => refuseWaiting(asError(error)));
      started = true;
      return enqueue(outgoing, before, performance.now() + timeoutMs);
    },
    async close(graceMs) {
      closed = true;
      if (link.live !== undefined && (waiting.length > 0 || inFlight.size > 0)) {
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          whenIdle = resolve;
          timer = setTimeout(resolve, graceMs);
        });
        clearTimeout(timer);
      }
      ended = true;
      stopListening();
      clearInterval(deadlineTimer);
      clearImmediate(flushing);
      for (const entry of inFlight.takeAll()) finish(entry, uncertain(entry, 'the transport was closed'));
      for (const entry of waiting.splice(0)) finish(entry, entry.sent ? uncertain(entry, 'the transport was closed') : closedError());
    },
  };

  /** The broker refuses the login: nothing that waits will ever go out. */
  function refuseWaiting(error: Error): void {
    if (link.live !== undefined || !isRefusal(error)) return;
    for (const entry of waiting.splice(0)) finish(entry, entry.sent ? uncertain(entry, error.message) : refusal(entry, error));
  }
}

function destination({ outgoing }: Entry): string {
  return `a message for exchange '${outgoing.exchange}', routing key '${outgoing.routingKey}',`;
}

function refusal(entry: Entry, cause: Error): CeleriacError {
  if (/no exchange/.test(cause.message)) return unroutable(entry);
  return new CeleriacError('CELERIAC_E_PUBLISH', `${destination(entry)} was not taken: ${cause.message}`, { cause });
}

function unroutable({ outgoing }: Entry): CeleriacError {
  const { exchange, routingKey } = outgoing;
  return new CeleriacError('CELERIAC_E_UNROUTABLE', `no queue takes exchange '${exchange}', routing key '${routingKey}'`);
}

function uncertain(entry: Entry, why: string): CeleriacError {
  return new CeleriacError('CELERIAC_E_PUBLISH_UNCERTAIN', `${destination(entry)} may or may not have been taken: ${why}`);
}

/** Whether a message that was not sent would get the same error, which is of its exchange; one whose exchange is declared first may not. */
function awaitsRefusal(entry: Entry, cause: Error): boolean {
  if (!/(?:no|access to) exchange '/.test(cause.message)) return false;
  return isCulprit(entry, cause) && (entry.before === undefined || /access to exchange/.test(cause.message));
}

/** Whether a channel error speaks of this message. */
function isCulprit({ outgoing }: Entry, cause: Error): boolean {
  const exchange = /(?:no|access to|in) exchange '([^']*)'/.exec(cause.message)?.[1];
  if (exchange !== undefined) return outgoing.exchange === exchange;
  const bytes = /message size (\d+)/.exec(cause.message)?.[1];
  return bytes !== undefined && outgoing.message.body.length === Number(bytes);
}
