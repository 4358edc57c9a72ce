import { matchesGlob } from './glob.ts';

/** Where a task goes, as a caller or a route says it. */
export interface RouteOptions {
  readonly queue?: string;
  readonly exchange?: string;
  readonly routingKey?: string;
}

/** A queue with an exchange of its own, as Celery's `task_queues`. */
export interface QueueRoute {
  /** Default: the default exchange for `direct`, else the queue's name. */
  readonly exchange?: string;
  readonly exchangeType?: 'direct' | 'topic' | 'fanout';
  readonly routingKey?: string;
}

/** Celery's routing settings. */
export interface RoutingConfig {
  /** Default `celery`. */
  readonly taskDefaultQueue?: string;
  readonly taskDefaultExchange?: string;
  readonly taskDefaultExchangeType?: 'direct' | 'topic' | 'fanout';
  readonly taskDefaultRoutingKey?: string;
  /** Task name or shell pattern to a route, in order; an exact name wins over patterns of the same table. */
  readonly taskRoutes?: Readonly<Record<string, RouteOptions | string>> | readonly Readonly<Record<string, RouteOptions | string>>[];
  readonly taskQueues?: Readonly<Record<string, QueueRoute>>;
}

/** Where a message is published, and the queue that must exist for it. */
export interface Route {
  /** Empty for the default exchange. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly queue: string;
}

/**
 * Decides where a task goes (celery/app/routes.py `Router.route`, celery/app/amqp.py `send_task_message`): what the caller says, else the first
 * matching route, else the default queue. A queue of a direct exchange is reached through the default exchange by its name, as Celery does.
 */
export function routeTask(name: string, options: RouteOptions = {}, config: RoutingConfig = {}): Route {
  const routed = statedRoute(name, options, config);
  const { exchange, routingKey } = routed;
  const defaultQueue = config.taskDefaultQueue ?? 'celery';
  const queue = routed.queue ?? (exchange === undefined ? defaultQueue : (routingKey ?? exchange));
  const known = config.taskQueues?.[queue];
  const type = known?.exchangeType ?? (queue === defaultQueue ? config.taskDefaultExchangeType : undefined) ?? 'direct';
  if (exchange !== undefined && routingKey !== undefined) return { exchange, routingKey, queue };
  if (exchange !== undefined) return { exchange, routingKey: known?.routingKey ?? queue, queue };
  if (type === 'direct') return { exchange: '', routingKey: queue, queue };
  const isDefault = queue === defaultQueue;
  return {
    exchange: known?.exchange ?? (isDefault ? config.taskDefaultExchange : undefined) ?? queue,
    routingKey:
      routingKey ??
      known?.routingKey ??
      (isDefault ? config.taskDefaultRoutingKey : undefined) ??
      config.taskDefaultRoutingKey ??
      defaultQueue,
    queue,
  };
}

/** What the caller and the first matching route say, the caller winning field by field; empty where neither says anything. */
export function statedRoute(name: string, options: RouteOptions, config: RoutingConfig): RouteOptions {
  return { ...matchingRoute(name, config), ...defined(options) };
}

function matchingRoute(name: string, config: RoutingConfig): RouteOptions {
  const { taskRoutes } = config;
  if (taskRoutes === undefined) return {};
  const tables: readonly Readonly<Record<string, RouteOptions | string>>[] = Array.isArray(taskRoutes)
    ? (taskRoutes as readonly Readonly<Record<string, RouteOptions | string>>[])
    : [taskRoutes as Readonly<Record<string, RouteOptions | string>>];
  for (const table of tables) {
    const route = Object.hasOwn(table, name) ? table[name] : Object.entries(table).find(([pattern]) => matchesGlob(pattern, name))?.[1];
    if (route !== undefined) return typeof route === 'string' ? { queue: route } : defined(route);
  }
  return {};
}

function defined(options: RouteOptions): RouteOptions {
  return {
    ...(options.queue === undefined ? undefined : { queue: options.queue }),
    ...(options.exchange === undefined ? undefined : { exchange: options.exchange }),
    ...(options.routingKey === undefined ? undefined : { routingKey: options.routingKey }),
  };
}
