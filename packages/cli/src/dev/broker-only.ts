import { CeleriacError } from '@celeriac/protocol';

export interface BrokerOnlyOptions {
  readonly port: string;
  readonly db?: string;
  readonly maxMemory?: string;
}

/**
 * Runs the embedded broker until SIGINT or SIGTERM; prints its URL on standard output when it listens.
 * @throws CeleriacError CELERIAC_E_CONFIG with NODE_ENV=production and on an option that is no number
 */
export async function runBrokerOnly(options: BrokerOnlyOptions): Promise<void> {
  refuseProduction();
  const maxMemoryBytes = options.maxMemory === undefined ? undefined : readNumber('--max-memory', options.maxMemory);
  const { createEmbeddedBroker } = await import('@celeriac/embedded');
  const broker = await createEmbeddedBroker({
    port: readNumber('--port', options.port),
    ...(options.db === undefined ? {} : { dbFile: options.db }),
    ...(maxMemoryBytes === undefined ? {} : { maxMemoryBytes }),
    onEvent: (event) => process.stderr.write(`celeriac: broker: ${event.type}${'error' in event ? `: ${String(event.error)}` : ''}\n`),
  });
  process.stdout.write(`${broker.url}\n`);
  await signalled();
  await broker.stop();
}

/** The embedded broker has no password and no replica. @throws CeleriacError CELERIAC_E_CONFIG */
export function refuseProduction(): void {
  if (process.env['NODE_ENV'] !== 'production') return;
  throw new CeleriacError(
    'CELERIAC_E_CONFIG',
    'the embedded broker is for development; with NODE_ENV=production name a real one with --broker',
  );
}

function readNumber(option: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new CeleriacError('CELERIAC_E_CONFIG', `${option} must be a whole number, not '${text}'`);
  return Number(text);
}

async function signalled(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  process.once('SIGINT', done).once('SIGTERM', done);
  await promise;
  process.off('SIGINT', done).off('SIGTERM', done);
}
