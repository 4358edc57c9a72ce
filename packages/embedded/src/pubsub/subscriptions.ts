import { encodeReply, type Reply, type RespVersion } from '../server/reply.ts';
import { compileGlob } from './glob.ts';

/** A connection as the channels see it. */
export interface Subscriber {
  readonly resp: RespVersion;
  readonly channels: Set<string>;
  readonly patterns: Set<string>;
  /** Appends bytes that nobody asked for at this moment. */
  deliver(bytes: string): void;
}

interface Pattern {
  readonly matches: (channel: string) => boolean;
  readonly subscribers: Set<Subscriber>;
}

/** Who listens to which channel and pattern. Channels know no database numbers. */
export class Subscriptions {
  readonly #channels = new Map<string, Set<Subscriber>>();
  readonly #patterns = new Map<string, Pattern>();

  get patternCount(): number {
    return this.#patterns.size;
  }

  get channelNames(): Iterable<string> {
    return this.#channels.keys();
  }

  subscriberCount(channel: string): number {
    return this.#channels.get(channel)?.size ?? 0;
  }

  subscribe(subscriber: Subscriber, channel: string): void {
    subscriber.channels.add(channel);
    const subscribers = this.#channels.get(channel);
    if (subscribers === undefined) this.#channels.set(channel, new Set([subscriber]));
    else subscribers.add(subscriber);
  }

  unsubscribe(subscriber: Subscriber, channel: string): void {
    subscriber.channels.delete(channel);
    const subscribers = this.#channels.get(channel);
    if (subscribers?.delete(subscriber) && subscribers.size === 0) this.#channels.delete(channel);
  }

  subscribePattern(subscriber: Subscriber, pattern: string): void {
    subscriber.patterns.add(pattern);
    const known = this.#patterns.get(pattern);
    if (known === undefined) this.#patterns.set(pattern, { matches: compileGlob(pattern), subscribers: new Set([subscriber]) });
    else known.subscribers.add(subscriber);
  }

  unsubscribePattern(subscriber: Subscriber, pattern: string): void {
    subscriber.patterns.delete(pattern);
    const known = this.#patterns.get(pattern);
    if (known?.subscribers.delete(subscriber) && known.subscribers.size === 0) this.#patterns.delete(pattern);
  }

  drop(subscriber: Subscriber): void {
    for (const channel of [...subscriber.channels]) this.unsubscribe(subscriber, channel);
    for (const pattern of [...subscriber.patterns]) this.unsubscribePattern(subscriber, pattern);
  }

  /** Tells everybody concerned; answers how many. The bytes are made once per protocol version. */
  publish(channel: string, message: string): number {
    let count = send(this.#channels.get(channel), ['message', channel, message]);
    for (const [pattern, known] of this.#patterns) {
      if (known.matches(channel)) count += send(known.subscribers, ['pmessage', pattern, channel, message]);
    }
    return count;
  }
}

function send(subscribers: ReadonlySet<Subscriber> | undefined, push: readonly Reply[]): number {
  if (subscribers === undefined) return 0;
  const bytes: [string, string] = ['', ''];
  for (const subscriber of subscribers) {
    const slot = subscriber.resp - 2;
    if (bytes[slot] === '') bytes[slot] = encodeReply({ push }, subscriber.resp);
    subscriber.deliver(bytes[slot]!);
  }
  return subscribers.size;
}
