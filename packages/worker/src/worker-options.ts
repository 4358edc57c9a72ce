import type { Logger, QueueDeclaration, ResultBackend, Transport } from '@celeriac/brokers';
import type { PoolList, RoutingConfig } from '@celeriac/protocol';

/** Options of {@link createWorker}. Seconds where Celery's own options have seconds. */
export interface WorkerOptions {
  /** Broker URL, or a transport the worker then closes. */
  readonly broker: string | Transport;
  /** Result backend URL, or a backend the worker then closes. Default: none, results are not stored. */
  readonly backend?: string | ResultBackend;
  /** Task modules: paths (`.ts`, `.js`, `.mjs`) or package names, seen from `cwd`; every exported task is registered. */
  readonly modules: readonly string[];
  /** Default: the folder of this process. */
  readonly cwd?: string;
  /** Environment of the child processes; variables that hold the broker's or the backend's URL are left out. Default: none. */
  readonly childEnv?: Readonly<Record<string, string | undefined>>;
  /** Default: the queue `celery`. */
  readonly queues?: readonly (string | QueueDeclaration)[];
  /** Slots: tasks that run at once. Default: the machine's available parallelism. */
  readonly concurrency?: number;
  /** `name@host`, unique in the fleet. Default `celery@<hostname>`. */
  readonly nodename?: string;
  /** Send task events from the start. Default false. */
  readonly taskEvents?: boolean;
  /** Write a log line for each task received and succeeded. Default true. */
  readonly taskLines?: boolean;
  /** Hard limit in seconds where neither message nor task states one. Default none. */
  readonly timeLimit?: number;
  /** Soft limit in seconds where neither message nor task states one. Default none. */
  readonly softTimeLimit?: number;
  /** Runs after which a child is replaced. Default: never. */
  readonly maxTasksPerChild?: number;
  /** Resident memory in KiB above which a child is replaced after its task. Default: never. */
  readonly maxMemoryPerChild?: number;
  /** How long a drain waits for what runs. Default 25,000, which fits into Kubernetes' 30 s. */
  readonly drainTimeoutMs?: number;
  /** Address of /livez, /readyz and /metrics. Default: none. */
  readonly http?: { readonly host: string; readonly port: number };
  /** Refuse what would otherwise be a loud warning, such as an evicting Redis. Default false. */
  readonly strict?: boolean;
  /** Seconds a result is kept. Default 86,400. Celery's result_expires. */
  readonly resultExpires?: number;
  /** Celery's broker_transport_options in camelCase. */
  readonly brokerTransportOptions?: Readonly<Record<string, unknown>>;
  /** Celery's result_backend_transport_options in camelCase. */
  readonly resultBackendTransportOptions?: Readonly<Record<string, unknown>>;
  /** Where calls from tasks, callbacks and chains go. */
  readonly routing?: RoutingConfig;
  /** Worker pools and their sizes, as `pools` of a pools.yaml: calls from tasks that say what they need go to the smallest that has it. Default: none. */
  readonly pools?: PoolList;
  readonly logger?: Logger;
  /** Called when remote control asks for a shutdown, before the drain begins. */
  readonly onShutdown?: () => void;
}

/** How a worker ended. */
export interface WorkerEnd {
  /** Tasks that ran when the drain began and ended by themselves in time. */
  readonly finished: number;
  /** Tasks that were still running at the deadline and have been given back (or, if acknowledged at their start, failed). */
  readonly interrupted: number;
  /** Deliveries given back without having been started. */
  readonly handedBack: number;
}

/** A worker: from the first connection to the end of its drain. */
export interface Worker {
  readonly nodename: string;
  /**
   * Starts the children, connects, and takes tasks; resolves when ready, or when a drain came first. Waits for a
   * broker that is away. Rejects, with everything closed,
   * with CELERIAC_E_TASK_MODULE (file and line), CELERIAC_E_CHILD, CELERIAC_E_URL, CELERIAC_E_CONFIG or CELERIAC_E_EVICTION.
   */
  start(): Promise<void>;
  /** Takes nothing more, gives back what has not begun, finishes what runs by the drain timeout. Every call resolves with the same end. */
  drain(): Promise<WorkerEnd>;
  /** Ends a drain now: what still runs is delivered again. */
  hurry(): void;
  /** Resolves when it has ended, also by remote control. */
  readonly ended: Promise<WorkerEnd>;
  /**
   * Loads the task modules anew in new children; connections and what is held stay, what runs ends where it began. `onLoaded` is called when
   * new runs have the new code. Resolves when the old children have ended. Rejects with CELERIAC_E_TASK_MODULE and keeps the old ones.
   */
  reload(onLoaded?: () => void): Promise<void>;
  /** Where HTTP is served, undefined where it is not. */
  readonly http: { readonly host: string; readonly port: number } | undefined;
}
