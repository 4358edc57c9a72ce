import { type Amounts, replicaCost } from '../budget/resources.ts';
import type { ScheduleWindow } from '../schedule/window.ts';
import type { BrokerConfig, LeaseConfig, PoolConfig, PoolsConfig, TargetConfig } from './pools-config.ts';
import type { BudgetOfFile, PoolOfFile, PoolsFile } from './pools-file.ts';

/** What a faultless file configures. Pure. */
export function toConfig(file: PoolsFile): PoolsConfig {
  const { kubernetes } = file;
  const pools = Object.entries(file.pools).map(([name, pool]) => toPool(name, pool));
  return {
    broker: toBroker(file.broker),
    pools,
    budgets: new Map(Object.entries(file.budgets ?? {}).map(([name, budget]) => [name, limitsOf(budget)])),
    ...(kubernetes === undefined
      ? {}
      : { kubernetes: { kubeconfig: kubernetes.kubeconfig, context: kubernetes.context, namespace: kubernetes.namespace } }),
    lease: toLease(
      file.lease,
      pools.some(({ target }) => target.kind === 'deployment'),
    ),
  };
}

/** The limits of a budget in numbers; what it does not limit is absent. */
export function limitsOf(budget: BudgetOfFile): Amounts {
  const { cpu, memory } = replicaCost({ cpu: budget.cpu, memory: budget.memory });
  return {
    ...(cpu === null ? {} : { cpu }),
    ...(memory === null ? {} : { memory }),
    ...(budget.gpu === undefined ? {} : { gpu: budget.gpu }),
    ...(budget.replicas === undefined ? {} : { replicas: budget.replicas }),
  };
}

function toPool(pool: string, { queues, slotsPerReplica, size, scaling, budget, target }: PoolOfFile): PoolConfig {
  const { goal, fallback, paused, min, max } = scaling;
  return {
    spec: {
      pool,
      queues: queues.map((name) => ({ name, waitGoalMs: goal.queues?.[name] ?? goal.queueWait })),
      slotsPerReplica: slotsPerReplica ?? null,
      mode: scaling.mode,
      pause: paused === true ? 'all' : paused === false ? null : paused,
      fixed: scaling.replicas ?? null,
      min,
      max,
      idleToZeroMs: scaling.idleToZero,
      keepWarm: scaling.keepWarm,
      downDelayMs: scaling.downDelay,
      fallback: fallback === undefined ? null : { replicas: fallback.replicas, afterMs: fallback.after },
      maxUpStep: scaling.maxUpStep ?? null,
      maxPending: scaling.maxPending ?? null,
      expectedServiceMs: goal.expectedTaskTime,
      expectedColdStartMs: goal.expectedStartTime,
      headroom: goal.headroom,
    },
    target: toTarget(target),
    size,
    budget,
    schedules: (scaling.schedules ?? []).map((window): ScheduleWindow => {
      return { from: window.from, to: window.to, timeZone: window.timeZone, min: window.min ?? min, max: window.max ?? max };
    }),
  };
}

function toBroker(broker: PoolsFile['broker']): BrokerConfig | undefined {
  if (broker === undefined) return undefined;
  const { url, urlFile, transportOptions = {} } = broker;
  return { source: url !== undefined ? { url } : { urlFile: urlFile ?? '' }, transportOptions };
}

function toTarget({ local, deployment }: PoolOfFile['target']): TargetConfig {
  if (local !== undefined) {
    const { command, cwd, startTimeout, drainTimeout } = local;
    return { kind: 'local', command, cwd, startTimeoutMs: startTimeout, drainTimeoutMs: drainTimeout };
  }
  if (deployment === undefined) throw new Error('a pool without a target');
  const { namespace, name, otherWriters, protectBusy, startTimeout, provisionTimeout, minGracePeriod } = deployment;
  return {
    kind: 'deployment',
    namespace,
    name,
    otherWriters,
    protectBusy,
    startTimeoutMs: startTimeout,
    provisionTimeoutMs: provisionTimeout,
    minGracePeriodMs: minGracePeriod,
  };
}

const defaultLease: LeaseConfig = {
  name: 'celeriac-autoscaler',
  namespace: undefined,
  durationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2_000,
};

function toLease(lease: PoolsFile['lease'], onCluster: boolean): LeaseConfig | null {
  if (lease === 'off' || (lease === undefined && !onCluster)) return null;
  if (lease === undefined) return defaultLease;
  const { name, namespace, duration, renewDeadline, retryPeriod } = lease;
  return { name, namespace, durationMs: duration, renewDeadlineMs: renewDeadline, retryPeriodMs: retryPeriod };
}
