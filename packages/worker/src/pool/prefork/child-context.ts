import { randomUUID } from 'node:crypto';
import { type Contract, stringifyJson } from '@celeriac/protocol';
import type { TaskContext, TaskLog } from '../../tasks/task-context.ts';
import { Retry, type RetryOptions } from '../../tasks/task-errors.ts';
import type { ActiveRun } from './active-run.ts';
import type { ChildLog } from './child-console.ts';
import { readHeaders } from './job-frame.ts';

/** What a context asks of its child. */
export interface ContextPorts {
  readonly log: ChildLog;
  /** Sends the JSON text of a call to the parent; resolves when it is published. */
  call(seq: number, callJson: string): Promise<string>;
}

/** The context of one run. Everything that costs is made when it is asked for. */
export class ChildContext implements TaskContext {
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly #run: ActiveRun;
  readonly #ports: ContextPorts;
  #headers: Readonly<Record<string, unknown>> | undefined;
  #log: TaskLog | undefined;

  constructor(run: ActiveRun, ports: ContextPorts, args: readonly unknown[], kwargs: Readonly<Record<string, unknown>>) {
    this.#run = run;
    this.#ports = ports;
    this.args = args;
    this.kwargs = kwargs;
  }

  get id(): string {
    return this.#run.job.id;
  }
  get name(): string {
    return this.#run.job.taskName;
  }
  get rootId(): string {
    return this.#run.job.rootId;
  }
  get parentId(): string | null {
    return this.#run.job.parentId;
  }
  get retries(): number {
    return this.#run.job.retries;
  }
  get queue(): string {
    return this.#run.job.queue;
  }
  get headers(): Readonly<Record<string, unknown>> {
    this.#headers ??= readHeaders(this.#run.job);
    return this.#headers;
  }
  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get log(): TaskLog {
    const { log } = this.#ports;
    const { seq } = this.#run.job;
    this.#log ??= {
      debug: (text, fields = {}) => log.write(seq, 'debug', text, fields),
      info: (text, fields = {}) => log.write(seq, 'info', text, fields),
      warn: (text, fields = {}) => log.write(seq, 'warn', text, fields),
      error: (text, fields = {}) => log.write(seq, 'error', text, fields),
    };
    return this.#log;
  }

  retry(options: RetryOptions = {}): never {
    throw new Retry(options);
  }

  call(task: Contract | string, ...args: readonly unknown[]): Promise<string> {
    const { job } = this.#run;
    const { name, queue, resources }: Pick<Contract, 'name' | 'queue' | 'resources'> = typeof task === 'string' ? { name: task } : task;
    const published = this.#publish({
      name,
      ...(queue === undefined ? undefined : { queue }),
      ...(resources === undefined ? undefined : { resources }),
      args,
      kwargs: {},
      taskId: randomUUID(),
      rootId: job.rootId,
      parentId: job.id,
    });
    this.#run.addCall(published);
    return published;
  }

  async #publish(call: Readonly<Record<string, unknown>>): Promise<string> {
    if (this.#run.ended) throw new Error(`task ${this.id} has ended: it cannot call ${String(call['name'])} any more`);
    return this.#ports.call(this.#run.job.seq, stringifyJson(call));
  }
}
