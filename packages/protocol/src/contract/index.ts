// What a program needs that only describes and calls tasks: a few small files instead of the whole wire format.
export { CeleriacError, type CeleriacErrorDetails, isCeleriacError } from '../errors/celeriac-error.ts';
export type { ErrorCode } from '../errors/codes.ts';
export type { PoolList, PoolSize, RoutedPool } from '../routing/pool-size.ts';
export type { TaskNeeds } from '../routing/task-needs.ts';
export { type Contract, type ContractOptions, contract } from './contract.ts';
