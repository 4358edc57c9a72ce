export { CeleriacError, type CeleriacErrorDetails, isCeleriacError } from './errors/celeriac-error.ts';
export { ERROR_CODES, type ErrorCode } from './errors/codes.ts';
export type { DeliveryInfo, Message, MessageProperties } from './message/message.ts';
export type { DecodedBody, DecodedEnvelope, DecodeLimits, Embed, Refusal, Request, StatedInstant } from './message/request.ts';
export { READY_STATES, type RemoteException, type ResultMeta } from './results/result-meta.ts';
