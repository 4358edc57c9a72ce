export { bindArguments } from './binding/bind-arguments.ts';
export { checkParameters } from './binding/parameters.ts';
export { type ChainFailure, type ChordPart, chainFailures, chordPartOf } from './canvas/chain-failures.ts';
export {
  childrenJson,
  errorFollowUps,
  type FollowUp,
  type FollowUpChord,
  type FollowUpGroup,
  followUps,
  type Parent,
} from './canvas/follow-ups.ts';
export type { FollowUpCall } from './canvas/signature-call.ts';
export { type Contract, type ContractOptions, contract } from './contract/contract.ts';
export type { SchemaInput, SchemaOutput, SchemaResult, StandardSchema } from './contract/standard-schema.ts';
export { addressedTo } from './control/addressed-to.ts';
export {
  type ControlReply,
  type ControlRequest,
  decodeControlReply,
  decodeControlRequest,
  encodeControlReply,
  encodeControlRequest,
} from './control/control-codec.ts';
export { CeleriacError, type CeleriacErrorDetails, isCeleriacError } from './errors/celeriac-error.ts';
export { ERROR_CODES, type ErrorCode } from './errors/codes.ts';
export { type CeleryEvent, decodeEvents, encodeEvent, eventRoutingKey, type OutgoingEvent } from './events/event-codec.ts';
export { type JsonLimits, parseJson } from './json/parse.ts';
export { pythonRepr, pythonReprTuple } from './json/python-repr.ts';
export { PyDate, PyDateTime, PyDecimal, PyFrozenSet, PyTime, type PythonValue, PyUuid } from './json/python-types.ts';
export { quoteJson, stringifyJson } from './json/stringify.ts';
export { type BodySource, type DecodedBodyResult, decodeBody } from './message/decode-body.ts';
export { type DecodedEmbedResult, decodeEmbed } from './message/decode-embed.ts';
export { decodeEnvelope } from './message/decode-envelope.ts';
export { hasEmptyEmbed } from './message/empty-embed.ts';
export { EMPTY_EMBED_JSON, embedJson, encodeBodyJson, encodeTask } from './message/encode-task.ts';
export { instantText, parseInstant } from './message/instant.ts';
export { DEFAULT_LIMITS as defaultLimits } from './message/limits.ts';
export type { DeliveryInfo, Message, MessageProperties } from './message/message.ts';
export { type DecodedRedisEnvelope, type Destination, decodeRedisEnvelope, encodeRedisEnvelope } from './message/redis-envelope.ts';
export type { DecodedBody, DecodedEnvelope, DecodeLimits, Embed, Refusal, Request, StatedInstant } from './message/request.ts';
export { type RetryChanges, retryMessage } from './message/retry-message.ts';
export type { TaskCall } from './message/task-call.ts';
export { decodeResultMeta } from './results/decode-result-meta.ts';
export { encodeResultMeta, type ResultFields } from './results/encode-result-meta.ts';
export {
  exceptionRepr,
  isRemoteException,
  maxRetriesExceeded,
  notRegistered,
  remoteException,
  softTimeLimitExceeded,
  taskRevoked,
  timeLimitExceeded,
  toRemoteException,
  workerLost,
} from './results/remote-exception.ts';
export { READY_STATES, type RemoteException, type ResultMeta } from './results/result-meta.ts';
export { TaskError } from './results/task-error.ts';
export { matchesGlob } from './routing/glob.ts';
export { type Placement, placeTask } from './routing/place-task.ts';
export { createPoolRouter, type PoolFit, type PoolRouter, type PoolShortage } from './routing/pool-router.ts';
export type { GpuCount, PoolList, PoolSize, RoutedPool } from './routing/pool-size.ts';
export { type Quantity, type QuantityKind, quantityText, type ReadQuantity, readQuantity } from './routing/quantity.ts';
export { type ReplicaSize, replicaSize } from './routing/replica-size.ts';
export { type QueueRoute, type Route, type RouteOptions, type RoutingConfig, routeTask } from './routing/route-task.ts';
export { mergeNeeds, type NeededAmount, type ReadNeeds, type ReadNeedsResult, readNeeds, type TaskNeeds } from './routing/task-needs.ts';
