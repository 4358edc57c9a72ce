import { Celery } from '@celeriac/producer';
import { CeleriacError, parseJson, stringifyJson, type TaskNeeds } from '@celeriac/protocol';
import type { Command } from 'commander';
import {
  addConnectionOptions,
  backendOptionsOf,
  brokerOptionsOf,
  brokerUrlOf,
  type ConnectionOptions,
  resultBackendUrlOf,
} from '../connection-options.ts';
import { addOutputOption, type OutputOption, print } from '../output.ts';
import { addQueueOptions, type QueueOptions } from '../queue-options.ts';
import { taskNeeds } from '../resources-option.ts';

interface CallOptions extends ConnectionOptions, OutputOption, QueueOptions {
  readonly args: string;
  readonly kwargs: string;
  readonly queue?: string;
  readonly countdown?: string;
  readonly expires?: string;
  readonly priority?: string;
  readonly resources?: TaskNeeds;
  readonly pools?: string;
  readonly id?: string;
  readonly sentEvent?: boolean;
  readonly wait?: boolean | string;
}

function jsonOf(text: string, what: string, check: (value: unknown) => boolean, shape: string): unknown {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw new CeleriacError('CELERIAC_E_ARGUMENTS', `${what} is not JSON; write ${shape}`, { cause: error });
  }
  if (!check(value)) throw new CeleriacError('CELERIAC_E_ARGUMENTS', `${what} must be ${shape}`);
  return value;
}

function numberOf(text: string | undefined, what: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value))
    throw new CeleriacError('CELERIAC_E_ARGUMENTS', `${what} must be a number, not "${text}"`);
  return value;
}

async function call(name: string, options: CallOptions): Promise<void> {
  const args = jsonOf(options.args, '--args', Array.isArray, "a JSON array such as '[1, 2]'") as unknown[];
  const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  const kwargs = jsonOf(options.kwargs, '--kwargs', isObject, 'a JSON object such as \'{"x": 1}\'') as Record<string, unknown>;
  const countdown = numberOf(options.countdown, '--countdown');
  const expires = numberOf(options.expires, '--expires');
  const priority = numberOf(options.priority, '--priority');
  const timeoutS = typeof options.wait === 'string' ? numberOf(options.wait, '--wait') : undefined;
  const backend = resultBackendUrlOf(options);
  const waits = options.wait !== undefined && options.wait !== false;
  if (waits && backend === undefined) {
    throw new CeleriacError('CELERIAC_E_NO_BACKEND', '--wait needs --result-backend URL or CELERY_RESULT_BACKEND; nothing was sent');
  }
  if (options.resources !== undefined && options.pools === undefined) {
    throw new CeleriacError('CELERIAC_E_CONFIG', '--resources needs --pools FILE, which says what each pool has; nothing was sent');
  }
  const pools = options.pools === undefined ? undefined : await (await import('../pools-file.ts')).readPoolList(options.pools);
  await using app = new Celery({
    broker: brokerUrlOf(options),
    ...(backend !== undefined && { backend }),
    brokerTransportOptions: brokerOptionsOf(options),
    resultBackendTransportOptions: backendOptionsOf(options),
    ...(pools !== undefined && { pools }),
    ...(options.sentEvent === true && { taskSendSentEvent: true }),
    ...(options.queueType !== undefined && { taskDefaultQueueType: options.queueType }),
    ...(options.queueMaxPriority !== undefined && { taskQueueMaxPriority: options.queueMaxPriority }),
  });
  const result = await app.sendTask(name, {
    args,
    kwargs,
    ...(options.queue !== undefined && { queue: options.queue }),
    ...(options.id !== undefined && { taskId: options.id }),
    ...(countdown !== undefined && { countdown }),
    ...(expires !== undefined && { expires }),
    ...(priority !== undefined && { priority }),
    ...(options.resources !== undefined && { resources: options.resources }),
  });
  if (!waits) {
    print(options.output, { id: result.id, task: name }, result.id);
    return;
  }
  const value = await result.get(timeoutS === undefined ? {} : { timeoutMs: timeoutS * 1000 });
  print(options.output, { id: result.id, task: name, status: 'SUCCESS', result: value }, stringifyJson(value));
}

/** `celeriac call NAME --args '[1,2]'` */
export function configure(command: Command): void {
  addOutputOption(addQueueOptions(addConnectionOptions(command)))
    .argument('<name>', 'registered task name')
    .option('-a, --args <json>', 'positional arguments, a JSON array', '[]')
    .option('-k, --kwargs <json>', 'keyword arguments, a JSON object', '{}')
    .option('-Q, --queue <name>', 'queue to send to')
    .option('--countdown <seconds>', 'run no sooner than in this many seconds')
    .option('--expires <seconds>', 'do not run later than in this many seconds')
    .option('--priority <number>', 'message priority')
    .option('--resources <needs>', 'what it needs, such as cpu=2,memory=4Gi,gpu=1: goes to the smallest pool that has it', taskNeeds)
    .option('--pools <file>', 'pools.yaml: the pools and their sizes, for --resources')
    .option('--id <task id>', 'task id (default: a new UUID)')
    .option('--sent-event', "send a task-sent event, as Celery's task_send_sent_event does")
    .option('--wait [seconds]', 'wait for the result and print it')
    .action(call);
}
