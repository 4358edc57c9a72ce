import { CeleriacError } from '@celeriac/protocol';
import type { Command } from 'commander';

/** Where the autoscaler listens by default. */
const DEFAULT_SERVER = 'http://127.0.0.1:9810';
const LIMIT_MS = 10_000;

/** What `--server` parses into. */
export interface ServerOption {
  readonly server: string;
}

/** Adds `--server URL`. */
export function addServerOption(command: Command): Command {
  return command.option('--server <url>', 'where the autoscaler serves HTTP', DEFAULT_SERVER);
}

/**
 * Asks a running autoscaler.
 * @throws CeleriacError CELERIAC_E_CONNECTION where none answers, CELERIAC_E_CONFIG with its own text for what it does not have
 */
export async function askAutoscaler(server: string, path: string): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(new URL(path, server), { signal: AbortSignal.timeout(LIMIT_MS) });
  } catch (error) {
    throw new CeleriacError(
      'CELERIAC_E_CONNECTION',
      `no autoscaler answers at ${server}; start one with celeriac autoscale, or name it with --server`,
      {
        cause: error,
      },
    );
  }
  const body = (await response.json().catch(() => ({}))) as { readonly error?: string };
  if (response.ok) return body;
  const code = response.status === 404 ? 'CELERIAC_E_CONFIG' : 'CELERIAC_E_CONNECTION';
  throw new CeleriacError(code, `${server}: ${body.error ?? `status ${response.status}`}`);
}
