import { Celery } from '@celeriac/producer';
import { CeleriacError, READY_STATES, type RemoteException, stringifyJson } from '@celeriac/protocol';
import type { Command } from 'commander';
import { addBackendOptions, backendOptionsOf, type ConnectionOptions, resultBackendUrlOf } from '../connection-options.ts';
import { EXIT } from '../exit-codes.ts';
import { addOutputOption, type OutputOption, print } from '../output.ts';

interface ResultOptions extends ConnectionOptions, OutputOption {
  readonly wait?: string | boolean;
  readonly traceback?: boolean;
}

async function result(id: string, options: ResultOptions): Promise<void> {
  const backend = resultBackendUrlOf(options);
  if (backend === undefined) {
    throw new CeleriacError('CELERIAC_E_NO_BACKEND', 'give --result-backend URL or set CELERY_RESULT_BACKEND');
  }
  await using app = new Celery({ broker: 'memory://none', backend, resultBackendTransportOptions: backendOptionsOf(options) });
  const pending = app.result(id);
  if (options.wait !== undefined && options.wait !== false) {
    const timeoutMs = typeof options.wait === 'string' ? { timeoutMs: Number(options.wait) * 1000 } : {};
    await pending.get(timeoutMs).catch((error: unknown) => {
      if (!(error instanceof CeleriacError) || error.code === 'CELERIAC_E_RESULT_TIMEOUT') throw error;
    });
  }
  const meta = await pending.meta();
  const status = meta?.status ?? 'PENDING';
  const failed = status === 'FAILURE' || status === 'REVOKED';
  const record = meta ?? { task_id: id, status, result: null, traceback: null };
  print(options.output, record, textOf(status, meta?.result, options.traceback === true ? (meta?.traceback ?? null) : null));
  if (failed) process.exitCode = EXIT.failure;
  else if (!READY_STATES.has(status)) process.exitCode = EXIT.ok;
}

function textOf(status: string, value: unknown, traceback: string | null): string {
  if (status === 'SUCCESS') return stringifyJson(value);
  if (status !== 'FAILURE' && status !== 'REVOKED') return status;
  if (traceback !== null) return traceback;
  const exception = value as RemoteException;
  const message = Array.isArray(exception.exc_message) ? exception.exc_message.join(', ') : String(exception.exc_message);
  return `${status}: ${exception.exc_type}: ${message}`;
}

/** `celeriac result ID` */
export function configure(command: Command): void {
  addOutputOption(addBackendOptions(command))
    .argument('<id>', 'task id')
    .option('--wait [seconds]', 'wait until it is there')
    .option('--traceback', 'print the traceback of a failure')
    .action(result);
}
