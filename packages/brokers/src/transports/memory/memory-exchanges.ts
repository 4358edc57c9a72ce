import type { BusMessage } from '../transport.ts';

/** Fan-out, topic and direct exchanges without storage: who is not subscribed when a message comes never sees it. */
export interface MemoryExchanges {
  subscribe(exchange: string, type: 'topic' | 'fanout' | 'direct', binding: string, onMessage: (message: BusMessage) => void): () => void;
  send(exchange: string, message: BusMessage): void;
}

/** Handlers run in a later turn, as they would behind a socket. */
export function createMemoryExchanges(): MemoryExchanges {
  const subscribers = new Map<string, Set<{ takes: (routingKey: string) => boolean; onMessage: (message: BusMessage) => void }>>();
  return {
    subscribe(exchange, type, binding, onMessage) {
      const entry = { takes: matcher(type, binding), onMessage };
      const set = subscribers.get(exchange) ?? new Set();
      subscribers.set(exchange, set.add(entry));
      return () => void set.delete(entry);
    },
    send(exchange, message) {
      for (const subscriber of subscribers.get(exchange) ?? []) {
        if (!subscriber.takes(message.routingKey)) continue;
        setImmediate(() => {
          if (subscribers.get(exchange)?.has(subscriber)) subscriber.onMessage(message);
        });
      }
    },
  };
}

function matcher(type: 'topic' | 'fanout' | 'direct', binding: string): (routingKey: string) => boolean {
  if (type === 'fanout') return () => true;
  if (type === 'direct') return (routingKey) => routingKey === binding;
  return (routingKey) => topicMatches(binding.split('.'), routingKey.split('.'));
}

/** AMQP topic rules: `*` is one word, `#` any number of words. */
export function topicMatches(pattern: readonly string[], words: readonly string[]): boolean {
  const [head, ...rest] = pattern;
  if (head === undefined) return words.length === 0;
  if (head === '#') return topicMatches(rest, words) || (words.length > 0 && topicMatches(pattern, words.slice(1)));
  return words.length > 0 && (head === '*' || head === words[0]) && topicMatches(rest, words.slice(1));
}
