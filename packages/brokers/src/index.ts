export type { ResultBackend, ResultBackendOptions, StoredResult } from './backends/backend.ts';
export { type Logger, silentLogger } from './observe/logger.ts';
export type { Delivery, QuarantineReason } from './transports/delivery.ts';
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
