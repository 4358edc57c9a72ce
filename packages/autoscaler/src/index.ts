export { Autoscaler, createAutoscaler } from './autoscaler.ts';
export type { AutoscalerOptions } from './autoscaler-options.ts';
export type { BrokerLink } from './broker/broker-link.ts';
export { connectBroker } from './broker/registry.ts';
export type { Amounts, Resource } from './budget/resources.ts';
export {
  type CeleryMetrics,
  type CeleryMetricsOptions,
  serveCeleryMetrics,
  type TaskEvents,
} from './celery-metrics/serve-celery-metrics.ts';
export { poolListOf } from './config/pool-list.ts';
export type {
  BrokerConfig,
  BudgetShareConfig,
  DeploymentConfig,
  KubernetesConfig,
  LeaseConfig,
  PoolConfig,
  PoolsConfig,
  TargetConfig,
} from './config/pools-config.ts';
export { poolsJsonSchema, readPools } from './config/read-pools.ts';
export { decide } from './decide/decide.ts';
export type { BudgetAsk, Decision, Evidence, ReasonCode, Stage } from './decide/decision.ts';
export type { Grant, GrowthSeen, Orders, PoolSeen, QueueSeen, ReplicaPhase, ReplicaSeen, ScheduleSeen } from './decide/seen.ts';
export type { PoolSpec, QueueSpec, ScalingMode } from './decide/spec.ts';
export { initialPoolState, type PoolState } from './decide/state.ts';
export { AUTOSCALER_METRIC_TABLES, type MetricTables } from './http/metric-tables.ts';
export type { PoolSummary } from './http/pool-summary.ts';
export { type AutoscalerHttp, type AutoscalerHttpOptions, serveAutoscaler } from './http/server.ts';
export { type Explanation, explain } from './journal/explain.ts';
export type { Journal } from './journal/journal.ts';
export type { DecisionRecord, JournalRecord, ScaleInRecord } from './journal/record.ts';
export { type Replay, replay } from './journal/replay.ts';
export type { Lease } from './lease/lease.ts';
export type { PoolTick } from './loop/pool-loop.ts';
export type { ClaimSweep } from './loop/upkeep.ts';
export type { Effect, ScaleInSeen, ScaleInState, ScaleInStep } from './scale-in/scale-in.ts';
export { step } from './scale-in/step.ts';
export type { ScheduleWindow } from './schedule/window.ts';
export { type CompareOptions, comparePolicies, POLICY_NAMES, type PolicyName, simulatedSpec } from './simulate/compare.ts';
export { generateTrace, TRACE_KINDS, type TraceKind, type TraceOptions } from './simulate/generate.ts';
export type { SimulationResult } from './simulate/simulate.ts';
export { type Arrival, formatTrace, parseTrace } from './simulate/trace.ts';
export type { ReplicaOutput } from './targets/local/replica-process.ts';
export type { Target, TargetReplica, TargetSeen } from './targets/target.ts';
export type { Sample } from './window/sample.ts';
