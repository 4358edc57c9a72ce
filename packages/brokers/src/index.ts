export type { ResultBackend, ResultBackendOptions, StoredResult } from './backends/backend.ts';
export { createResultBackend } from './backends/registry.ts';
export { type ControlCallOptions, type ControlClient, type ControlClientOptions, createControlClient } from './control/control-client.ts';
export { type ControlHandler, type ControlNodeOptions, createControlNode } from './control/control-node.ts';
export { createEventDispatcher, type EventDispatcher, type EventDispatcherOptions } from './events/event-dispatcher.ts';
export {
  type Arrival,
  applyFleetEvent,
  applyFleetEvents,
  emptyFleet,
  type FleetEvent,
  type FleetState,
  forgetWorkers,
  type Presence,
  presenceOf,
  type WorkerView,
  workerAfter,
  workerOf,
} from './events/fleet-state.ts';
export { createLamportClock, type LamportClock } from './events/lamport-clock.ts';
export { taskSentFields } from './events/task-sent.ts';
export { type Logger, silentLogger } from './observe/logger.ts';
export type { MetricDeclaration, MetricTable } from './observe/metric.ts';
export type { Delivery, QuarantineReason } from './transports/delivery.ts';
export type { SweptClaims } from './transports/redis/claim-sweeper.ts';
export { isRedisTransport } from './transports/redis/is-redis-transport.ts';
export type { RedisTransport } from './transports/redis/redis-transport.ts';
export { createTransport } from './transports/registry.ts';
export type {
  Bus,
  BusMessage,
  ConsumeOptions,
  Consumer,
  ConsumerEvent,
  Publication,
  Quarantine,
  QuarantineEntry,
  QueueAdmin,
  QueueDeclaration,
  Subscription,
  Transport,
  TransportOptions,
  TransportTraits,
} from './transports/transport.ts';
export { type AmqpUrl, type BrokerUrl, type Endpoint, type MemoryUrl, parseBrokerUrl, type RedisUrl } from './urls/broker-url.ts';
export { maskUrl } from './urls/mask-url.ts';
