import { CeleriacError } from '@celeriac/protocol';
import type { Command } from 'commander';

/** What `-b` and `--result-backend` parse into. */
export interface ConnectionOptions {
  readonly broker?: string;
  readonly resultBackend?: string;
}

/** Adds Celery's `-b` and `--result-backend`. */
export function addConnectionOptions(command: Command): Command {
  return command
    .option('-b, --broker <url>', 'broker URL (default: CELERY_BROKER_URL)')
    .option('--result-backend <url>', 'result backend URL (default: CELERY_RESULT_BACKEND)');
}

/**
 * The broker URL of the flag, else of CELERY_BROKER_URL.
 * @throws CeleriacError CELERIAC_E_CONFIG where neither is given
 */
export function brokerUrlOf(options: ConnectionOptions): string {
  const url = options.broker ?? process.env.CELERY_BROKER_URL;
  if (url === undefined || url === '') {
    throw new CeleriacError('CELERIAC_E_CONFIG', 'no broker: give -b URL or set CELERY_BROKER_URL, for example redis://127.0.0.1:6379/0');
  }
  return url;
}

/** The result backend URL of the flag, else of CELERY_RESULT_BACKEND, else undefined. */
export function resultBackendUrlOf(options: ConnectionOptions): string | undefined {
  const url = options.resultBackend ?? process.env.CELERY_RESULT_BACKEND;
  return url === '' ? undefined : url;
}
