import { CeleriacError } from '@celeriac/protocol';
import { type Command, InvalidArgumentError } from 'commander';
import { sentinelPasswordOf } from './sentinel-file.ts';
import { tlsDefaultsOf } from './tls-files.ts';

type TransportOptions = Readonly<Record<string, unknown>>;

/** What `-b`, `--result-backend` and their options parse into. */
export interface ConnectionOptions {
  readonly broker?: string;
  readonly brokerOption?: TransportOptions;
  readonly resultBackend?: string;
  readonly backendOption?: TransportOptions;
}

/** Adds Celery's `-b`, and `--broker-option` for its broker_transport_options. */
export function addBrokerOptions(command: Command): Command {
  return command
    .option('-b, --broker <url>', 'broker URL (default: CELERY_BROKER_URL)')
    .option('--broker-option <name=value>', 'a transport option, such as masterName=main; may be repeated', transportOption);
}

/** Adds Celery's `--result-backend`, and `--backend-option` for its result_backend_transport_options. */
export function addBackendOptions(command: Command): Command {
  return command
    .option('--result-backend <url>', 'result backend URL (default: CELERY_RESULT_BACKEND)')
    .option('--backend-option <name=value>', 'a transport option of the backend; may be repeated', transportOption);
}

/** Both. */
export function addConnectionOptions(command: Command): Command {
  return addBackendOptions(addBrokerOptions(command));
}

/** `name=value`: Celery's snake_case is understood too, and a value that is JSON is what it says. */
function transportOption(text: string, before: TransportOptions = {}): TransportOptions {
  const [, name, value] = /^([A-Za-z_]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('NAME=VALUE is needed, for example masterName=main');
  return { ...before, [name.replace(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase())]: optionValue(value) };
}

function optionValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
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

/** The transport options of the broker: the flags' ones, and what files of the environment say. Throws CELERIAC_E_CONFIG. */
export function brokerOptionsOf(options: ConnectionOptions): TransportOptions {
  return withFiles(options.brokerOption);
}

/** The same of the result backend. */
export function backendOptionsOf(options: ConnectionOptions): TransportOptions {
  return withFiles(options.backendOption);
}

/** Transport options with the files of the environment, of TLS and of the sentinels, for what they leave open. Throws CELERIAC_E_CONFIG. */
export function withFiles(options: TransportOptions = {}): TransportOptions {
  const sslDefaults = tlsDefaultsOf(process.env);
  const password = sentinelPasswordOf(process.env);
  return {
    ...(sslDefaults === undefined ? {} : { sslDefaults }),
    ...(password === undefined ? {} : { sentinelKwargs: { password } }),
    ...options,
  };
}
