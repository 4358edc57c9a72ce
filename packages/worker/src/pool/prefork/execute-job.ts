import { decodeBody, isCeleriacError, notRegistered } from '@celeriac/protocol';
import { type BoundCall, bindCall } from '../../tasks/bind-call.ts';
import type { TaskRegistry } from '../../tasks/registry.ts';
import type { Task } from '../../tasks/task.ts';
import type { ActiveRun } from './active-run.ts';
import { ChildContext, type ContextPorts } from './child-context.ts';
import type { Ending } from './ending.ts';
import { argumentsFailure, endingOfThrown, endingOfValue, failure, failureAs } from './failure.ts';

interface Given {
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
}

/** What a run needs beside its job. */
export interface ExecutePorts extends ContextPorts {
  readonly registry: TaskRegistry;
  readonly maxResultBytes: number;
}

/** Runs one job in this process: a plain ending where the task is synchronous, a promise (which never rejects) where it is not. */
export function executeJob(run: ActiveRun, ports: ExecutePorts): Ending | Promise<Ending> {
  const { job } = run;
  const task = ports.registry.get(job.taskName);
  if (task === undefined)
    return failureAs(notRegistered(job.taskName), `no task is named ${JSON.stringify(job.taskName)} in this child`, false);
  const decoded = decodeBody(job);
  if (decoded.kind === 'refused') return { kind: 'refused', code: decoded.refusal.code, reason: decoded.refusal.reason };
  const given = decoded.body;
  let bound: BoundCall | Promise<BoundCall>;
  try {
    bound = bindCall(task.contract, given.args, given.kwargs);
  } catch (error) {
    return bindingFailure(error);
  }
  if (bound instanceof Promise)
    return bound.then(
      (call) => invoke(run, ports, task, given, call),
      (error: unknown) => bindingFailure(error),
    );
  return invoke(run, ports, task, given, bound);
}

function bindingFailure(error: unknown): Ending {
  return isCeleriacError(error, 'CELERIAC_E_ARGUMENTS') ? argumentsFailure(error) : failure(error, false);
}

function invoke(run: ActiveRun, ports: ExecutePorts, task: Task, given: Given, call: BoundCall): Ending | Promise<Ending> {
  const context = new ChildContext(run, ports, given.args, call.kwargs);
  try {
    const value = task.run(context, ...(call.args as readonly never[]));
    if (isThenable(value)) return finishAsync(run, ports, given, value);
    const calls = run.takeCalls();
    if (calls !== undefined)
      return finishAsync(
        run,
        ports,
        given,
        Promise.all(calls).then(() => value),
      );
    return endingOfValue(value, ports.maxResultBytes);
  } catch (error) {
    return endingOfThrown(error, given);
  }
}

/** Waits for the value and for every call the task made; a stray error ends the wait. */
function finishAsync(run: ActiveRun, ports: ExecutePorts, given: Given, value: PromiseLike<unknown>): Promise<Ending> {
  const { promise, resolve } = Promise.withResolvers<Ending>();
  run.onStrayError((error) => resolve(failure(error, true)));
  const finish = async (): Promise<Ending> => {
    try {
      const result = await value;
      for (let calls = run.takeCalls(); calls !== undefined; calls = run.takeCalls()) await Promise.all(calls);
      return endingOfValue(result, ports.maxResultBytes);
    } catch (error) {
      return endingOfThrown(error, given);
    }
  };
  finish().then(resolve, (error: unknown) => resolve(failure(error, true)));
  return promise;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
