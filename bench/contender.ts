/** The servers one run uses; every contender uses the same ones, one after the other. */
export interface Servers {
  /** Redis as a broker: database 0. */
  readonly redisUrl: string;
  readonly redisPort: number;
  /** Redis as the result backend: database 1, so that its DBSIZE counts results. */
  readonly backendUrl: string;
  readonly rabbitmqUrl: string;
}

export type BrokerName = 'redis' | 'rabbitmq';

/** A worker under load: no-op `tasks.add(x, y)` at concurrency 2. */
export interface RunningWorker {
  /** Milliseconds from spawn until it said that it takes tasks. */
  readonly bootMs: number;
  /** Pids of the worker and its children, for memory. */
  pids(): readonly number[];
  stop(): Promise<void>;
}

/** One system in the comparison. */
export interface Contender {
  readonly name: string;
  /** What its figures mean: isolation, when it acknowledges, what it stores. */
  readonly guarantees: string;
  readonly brokers: readonly BrokerName[];
  /** Puts `count` tasks into the queue. */
  fill(broker: BrokerName, servers: Servers, count: number): Promise<void>;
  startWorker(broker: BrokerName, servers: Servers): Promise<RunningWorker>;
  /** How many tasks have been done since the last `fill`, by what is stored. */
  done(servers: Servers): Promise<number>;
  /** Publishes `count` tasks and returns messages per second, or null where it has no such way. */
  publish(way: 'batch' | 'one-by-one', broker: BrokerName, servers: Servers, count: number): Promise<number | null>;
  /** Milliseconds from the call to the start of the task at an idle worker, `count` times, one after the other; the worker runs. */
  latencies(broker: BrokerName, servers: Servers, count: number): Promise<readonly number[]>;
}
