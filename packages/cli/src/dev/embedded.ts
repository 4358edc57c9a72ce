import { CeleriacError } from '@celeriac/protocol';

/** How the embedded broker is to run, as the command line has it. */
export interface EmbeddedOptions {
  readonly port: string;
  readonly db?: string;
  readonly maxMemory?: string;
}

/** The embedded broker, listening. */
export interface RunningBroker {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts the embedded broker in this process. Throws CELERIAC_E_CONFIG for an option that is no number, and where the port or the file
 * cannot be used.
 */
export async function startEmbedded(options: EmbeddedOptions, onProblem: (text: string) => void): Promise<RunningBroker> {
  const port = readNumber('--port', options.port);
  const maxMemoryBytes = options.maxMemory === undefined ? undefined : readNumber('--max-memory', options.maxMemory);
  const { createEmbeddedBroker } = await import('@celeriac/embedded');
  try {
    return await createEmbeddedBroker({
      port,
      ...(options.db === undefined ? {} : { dbFile: options.db }),
      ...(maxMemoryBytes === undefined ? {} : { maxMemoryBytes }),
      onEvent: (event) => onProblem(`broker: ${event.type}${'error' in event ? `: ${String(event.error)}` : ''}`),
    });
  } catch (error) {
    const taken = (error as { code?: unknown }).code === 'EADDRINUSE';
    const text = taken
      ? `127.0.0.1:${port} is taken, by another celeriac dev perhaps; give --port another number, or 0 for any`
      : `the embedded broker cannot start: ${error instanceof Error ? error.message : String(error)}`;
    throw new CeleriacError('CELERIAC_E_CONFIG', text, { cause: error });
  }
}

/** The embedded broker has no password and no replica. Throws CELERIAC_E_CONFIG. */
export function refuseProduction(): void {
  if (process.env['NODE_ENV'] !== 'production') return;
  throw new CeleriacError(
    'CELERIAC_E_CONFIG',
    'celeriac dev is for development; with NODE_ENV=production run celeriac worker and celeriac autoscale with a real broker',
  );
}

function readNumber(option: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new CeleriacError('CELERIAC_E_CONFIG', `${option} must be a whole number, not '${text}'`);
  return Number(text);
}
