import { CeleriacError } from '@celeriac/protocol';
import type { QueueDeclaration } from '../transport.ts';
import type { KeyLayout } from './key-layout.ts';
import { closedError } from './redis-connection.ts';
import type { RedisHub } from './redis-hub.ts';
import { REFRESH_BINDING, SWEEP_BINDINGS } from './scripts/binding-scripts.ts';
import { topicMatches, topicPattern } from './topic-pattern.ts';

/** Celery's `task_default_exchange`. */
const DEFAULT_EXCHANGE = 'celery';
const CACHE_MS = 2_000;
/** kombu: MIN_BINDING_TTL and BINDING_EXPIRES_FACTOR. */
const MIN_BINDING_MS = 3_600_000;
const EXPIRES_FACTOR = 2;

/** Which queues an exchange leads to, in kombu's binding tables. */
export interface Bindings {
  /** Declares what this connection has not declared yet. */
  declare(queues: readonly QueueDeclaration[]): Promise<void>;
  /** Whether it has been declared on this connection. */
  isDeclared(queue: QueueDeclaration): boolean;
  /** Whether this connection has declared it, or it is bound to the exchange of its own name or to Celery's default exchange. */
  isKnown(queue: string): Promise<boolean>;
  /** How long the queue lives after its last message (ms), undefined where it stays. */
  expiresMs(queue: string): number | undefined;
  /** Queues for an exchange and routing key; `fresh` looks past the cache. */
  lookup(exchange: string, routingKey: string, fresh?: boolean): Promise<readonly string[]>;
  /** Binds a queue whose binding lives only as long as it is refreshed. */
  refresh(queue: QueueDeclaration): Promise<void>;
  /** Keeps the bindings of the expiring ones among consumed queues, and sweeps those that nobody keeps, as kombu's consumers do. Never rejects. */
  keepExpiring(queues: readonly QueueDeclaration[]): Promise<void>;
  unbind(queue: QueueDeclaration): Promise<void>;
}

export function createBindings(hub: RedisHub): Bindings {
  const { keys } = hub;
  const declared = new Set<string>();
  /** Begun in this turn, for all who ask in it: a burst of publications to a new queue declares it once. */
  const declaring = new Map<string, Promise<void>>();
  const names = new Set<string>();
  const expiring = new Map<string, number>();
  const tables = new Map<string, { readonly atMs: number; readonly members: readonly (readonly string[])[] }>();
  hub.onDown(() => declared.clear());

  async function declareOne(queue: QueueDeclaration): Promise<void> {
    const id = identity(queue);
    if (declared.has(id)) return;
    let declaration = declaring.get(id);
    if (declaration === undefined) {
      declaration = declareNow(id, queue);
      declaring.set(id, declaration);
      setImmediate(() => declaring.delete(id));
    }
    await declaration;
  }

  async function declareNow(id: string, queue: QueueDeclaration): Promise<void> {
    const expires = Number(queue.arguments?.['x-expires']);
    if (Number.isFinite(expires) && expires > 0) {
      expiring.set(queue.name, expires);
      await refresh(queue);
    } else {
      expiring.delete(queue.name);
      const { exchange, member } = bindingOf(keys, queue);
      const adds = [
        ['sadd', keys.bindingTable(exchange), member],
        ['sadd', keys.permanentBindings(exchange), member],
      ] as const;
      await hub.pipeline(adds, true);
    }
    declared.add(id);
    names.add(queue.name);
  }

  async function refresh(queue: QueueDeclaration): Promise<void> {
    const { exchange, member } = bindingOf(keys, queue);
    const lifetimeMs = Math.max(MIN_BINDING_MS, EXPIRES_FACTOR * Number(queue.arguments?.['x-expires'] ?? 0));
    await hub.run(REFRESH_BINDING, [keys.bindingTable(exchange), keys.bindingDeadlines], [member, exchange, lifetimeMs]);
  }

  return {
    async declare(queues) {
      if (hub.isClosed) throw closedError();
      await Promise.all(queues.map(declareOne));
    },
    isDeclared: (queue) => declared.has(identity(queue)),
    async isKnown(queue) {
      if (names.has(queue)) return true;
      const tables = await hub.pipeline(
        [...new Set([queue, DEFAULT_EXCHANGE])].map((exchange) => ['smembers', keys.bindingTable(exchange)] as const),
      );
      return (tables as string[][]).some((members) => members.some((member) => member.endsWith(keys.separator + queue)));
    },
    expiresMs: (queue) => expiring.get(queue),
    async lookup(exchange, routingKey, fresh = false) {
      if (exchange === '') return [routingKey];
      let table = tables.get(exchange);
      if (fresh || table === undefined || performance.now() - table.atMs > CACHE_MS) {
        const [members] = await hub.pipeline([['smembers', keys.bindingTable(exchange)]]);
        table = { atMs: performance.now(), members: (members as string[]).map((member) => member.split(keys.separator)) };
        tables.set(exchange, table);
      }
      const queues = new Set<string>();
      for (const [key = '', pattern = '', queue = ''] of table.members) {
        if (queue !== '' && (pattern === '' ? key === routingKey : topicMatches(pattern, routingKey))) queues.add(queue);
      }
      return [...queues];
    },
    refresh,
    async keepExpiring(queues) {
      try {
        const kept = queues.filter(({ arguments: args }) => Number(args?.['x-expires']) > 0);
        if (kept.length === 0) return;
        for (const queue of kept) await refresh(queue);
        await hub.run(SWEEP_BINDINGS, [keys.bindingDeadlines], [keys.bindingTable(''), keys.permanentBindings(''), 100]);
      } catch (error) {
        if (!hub.isClosed) hub.settings.logger.debug({ error: String(error) }, 'bindings could not be refreshed');
      }
    },
    async unbind(queue) {
      declared.delete(identity(queue));
      const { exchange, member } = bindingOf(keys, queue);
      await hub.pipeline([
        ['srem', keys.bindingTable(exchange), member],
        ['srem', keys.permanentBindings(exchange), member],
        ['del', ...keys.buckets(queue.name)],
      ]);
    },
  };
}

function identity({ name, exchange, exchangeType, routingKey, arguments: args }: QueueDeclaration): string {
  return [name, exchange, exchangeType, routingKey, args?.['x-expires']].join('\n');
}

function bindingOf(keys: KeyLayout, queue: QueueDeclaration): { readonly exchange: string; readonly member: string } {
  const { name, exchange = name, exchangeType = 'direct', routingKey = name } = queue;
  if (exchange.includes(keys.separator) || routingKey.includes(keys.separator)) {
    throw new CeleriacError('CELERIAC_E_CONFIG', `the binding of queue ${name} contains the separator of priorities`);
  }
  const pattern = exchangeType === 'topic' ? topicPattern(routingKey) : '';
  return { exchange, member: keys.bindingMember(exchangeType === 'fanout' ? '' : routingKey, pattern, name) };
}
