export type { BrokerEvent, EmbeddedBroker, EmbeddedBrokerOptions } from './broker.ts';
export { createEmbeddedBroker } from './broker.ts';
export type { ConnectionLimits } from './server/connections.ts';
