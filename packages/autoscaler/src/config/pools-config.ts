import type { PoolSize } from '@celeriac/protocol';
import type { Amounts } from '../budget/resources.ts';
import type { PoolSpec } from '../decide/spec.ts';
import type { ScheduleWindow } from '../schedule/window.ts';

/** What a pool scales. */
export type TargetConfig =
  | {
      readonly kind: 'local';
      readonly command: readonly string[];
      readonly cwd: string | undefined;
      readonly startTimeoutMs: number;
      readonly drainTimeoutMs: number;
    }
  | DeploymentConfig;

/** A Deployment of Kubernetes. */
export interface DeploymentConfig {
  readonly kind: 'deployment';
  /** Undefined: the namespace of the autoscaler. */
  readonly namespace: string | undefined;
  readonly name: string;
  /** What to do where somebody else writes its replicas: `hold` changes nothing until that ends, `ignore` goes on. */
  readonly otherWriters: 'hold' | 'ignore';
  /**
   * Whether busy pods are protected from shrinks by somebody else in a pool whose mode is `dry-run` or `off`: the only thing written
   * there. Default false.
   */
  readonly protectBusy?: boolean | undefined;
  /** How long a pod that runs may stay unheard of before it counts as stuck, ms. */
  readonly startTimeoutMs: number;
  /** How long a pod may wait for a node before it counts as stuck, ms. */
  readonly provisionTimeoutMs: number;
  /** A shorter `terminationGracePeriodSeconds` of its pods is warned about, ms. */
  readonly minGracePeriodMs: number;
}

/** A pool's place in a budget. */
export interface BudgetShareConfig {
  /** Name of the budget. */
  readonly from: string;
  /** Lower ones are served first. */
  readonly tier: number;
  /** Above 0: what it weighs among the pools of its tier. */
  readonly weight: number;
}

/** One pool, ready to be run. */
export interface PoolConfig {
  readonly spec: PoolSpec;
  readonly target: TargetConfig;
  /** What one replica has, where the file says so; `replicaSize` of the protocol gives numbers. */
  readonly size?: PoolSize | undefined;
  /** Absent: shares no budget. */
  readonly budget?: BudgetShareConfig | undefined;
  /** Windows with bounds of their own, complete: what a window does not say is the pool's. Absent: none. */
  readonly schedules?: readonly ScheduleWindow[] | undefined;
}

/** Where the queues are. The URL may hold a password: it is never logged. */
export interface BrokerConfig {
  readonly source: { readonly url: string } | { readonly urlFile: string };
  /** Celery's `broker_transport_options` in camelCase. */
  readonly transportOptions: Readonly<Record<string, unknown>>;
}

/** How the cluster is reached. Undefined: as the pod we run in says, else as kubectl would. */
export interface KubernetesConfig {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  /** Of Deployments, and of the Lease, that name none. */
  readonly namespace: string | undefined;
}

/** The Lease of Kubernetes by which one of several autoscalers acts. */
export interface LeaseConfig {
  readonly name: string;
  readonly namespace: string | undefined;
  /** How long others wait after its last renewal before they take it, ms. */
  readonly durationMs: number;
  /** How long its holder goes on without a renewal, ms. */
  readonly renewDeadlineMs: number;
  /** How long to wait between two tries, ms. */
  readonly retryPeriodMs: number;
}

/** A whole configuration; `broker` is undefined where the file names none. */
export interface PoolsConfig {
  readonly broker: BrokerConfig | undefined;
  readonly pools: readonly PoolConfig[];
  /** Limits that pools share, by name. Absent: none. */
  readonly budgets?: ReadonlyMap<string, Amounts>;
  /** Absent: nothing about the cluster is said. */
  readonly kubernetes?: KubernetesConfig;
  /** Null or absent: we are the only autoscaler. */
  readonly lease?: LeaseConfig | null;
}
