import type { PoolSize, Quantity } from '@celeriac/protocol';

/** One pool of a valid file; durations in ms. */
export interface PoolOfFile {
  readonly queues: readonly string[];
  readonly slotsPerReplica?: number | undefined;
  readonly size?: PoolSize | undefined;
  readonly budget?: { readonly from: string; readonly tier: number; readonly weight: number } | undefined;
  readonly scaling: {
    readonly mode: 'off' | 'dry-run' | 'up-only' | 'on';
    readonly paused: boolean | 'in' | 'out';
    readonly replicas?: number | undefined;
    readonly min: number;
    readonly max: number;
    readonly goal: {
      readonly queueWait: number;
      readonly queues?: Readonly<Record<string, number>> | undefined;
      readonly headroom: number;
      readonly expectedTaskTime: number;
      readonly expectedStartTime: number;
    };
    readonly schedules?: readonly ScheduleOfFile[] | undefined;
    readonly idleToZero: number;
    readonly keepWarm: number;
    readonly downDelay: number;
    readonly fallback?: { readonly replicas: number; readonly after: number } | undefined;
    readonly maxUpStep?: number | undefined;
    readonly maxPending?: number | undefined;
  };
  readonly target: {
    readonly local?:
      | {
          readonly command: readonly string[];
          readonly cwd?: string | undefined;
          readonly startTimeout: number;
          readonly drainTimeout: number;
        }
      | undefined;
    readonly deployment?:
      | {
          readonly namespace?: string | undefined;
          readonly name: string;
          readonly otherWriters: 'hold' | 'ignore';
          readonly protectBusy: boolean;
          readonly startTimeout: number;
          readonly provisionTimeout: number;
          readonly minGracePeriod: number;
        }
      | undefined;
  };
}

/** A window of a schedule. */
export interface ScheduleOfFile {
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** A budget. */
export interface BudgetOfFile {
  readonly cpu?: Quantity | undefined;
  readonly memory?: Quantity | undefined;
  readonly gpu?: number | undefined;
  readonly replicas?: number | undefined;
}

/** What a valid file says, defaults filled in and durations in ms. */
export interface PoolsFile {
  readonly broker?:
    | {
        readonly url?: string | undefined;
        readonly urlFile?: string | undefined;
        readonly transportOptions?: Readonly<Record<string, unknown>> | undefined;
      }
    | undefined;
  readonly kubernetes?:
    | { readonly kubeconfig?: string | undefined; readonly context?: string | undefined; readonly namespace?: string | undefined }
    | undefined;
  readonly lease?:
    | 'off'
    | {
        readonly name: string;
        readonly namespace?: string | undefined;
        readonly duration: number;
        readonly renewDeadline: number;
        readonly retryPeriod: number;
      }
    | undefined;
  readonly budgets?: Readonly<Record<string, BudgetOfFile>> | undefined;
  readonly pools: Readonly<Record<string, PoolOfFile>>;
}
