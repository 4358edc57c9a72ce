import { readFile } from 'node:fs/promises';
import { CeleriacError, type ErrorCode } from '@celeriac/protocol';
import type { Command } from 'commander';

/** Where the autoscaler listens by default. */
const DEFAULT_SERVER = 'http://127.0.0.1:9810';
const LIMIT_MS = 10_000;

/** What `--server` parses into. */
export interface ServerOption {
  readonly server: string;
}

/** What `--token-file` parses into. */
export interface TokenOption {
  readonly tokenFile?: string;
}

/** Adds `--server URL`. */
export function addServerOption(command: Command): Command {
  return command.option('--server <url>', 'where the autoscaler serves HTTP', DEFAULT_SERVER);
}

/** Adds `--token-file FILE`. */
export function addTokenOption(command: Command): Command {
  return command.option('--token-file <file>', 'a file with the token of an autoscaler that is not on this machine');
}

/** Which code a status is reported by: what another command line would mend is a matter of configuration. */
const codeByStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'CELERIAC_E_CONFIG',
  401: 'CELERIAC_E_CONFIG',
  403: 'CELERIAC_E_CONFIG',
  404: 'CELERIAC_E_CONFIG',
  405: 'CELERIAC_E_CONFIG',
};

/**
 * Asks a running autoscaler, or orders something where a body is given.
 * @throws CeleriacError CELERIAC_E_CONNECTION where none answers or another one holds the lease, CELERIAC_E_CONFIG with its own text for what it
 * does not have and for what it refuses
 */
export async function askAutoscaler(server: string, path: string, order?: { readonly body: unknown } & TokenOption): Promise<unknown> {
  const address = addressOf(server, path);
  const request: RequestInit =
    order === undefined
      ? {}
      : {
          method: 'POST',
          body: JSON.stringify(order.body),
          headers: { 'content-type': 'application/json', ...(await authorization(order.tokenFile)) },
        };
  let response: Response;
  try {
    response = await fetch(address, { ...request, signal: AbortSignal.timeout(LIMIT_MS) });
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
  throw new CeleriacError(
    codeByStatus[response.status] ?? 'CELERIAC_E_CONNECTION',
    `${server}: ${body.error ?? `status ${response.status}`}`,
  );
}

function addressOf(server: string, path: string): URL {
  const address = URL.parse(path, server);
  if (address === null || !/^https?:$/.test(address.protocol)) {
    throw new CeleriacError('CELERIAC_E_CONFIG', `${server} is not an address; write http://HOST:PORT`);
  }
  return address;
}

async function authorization(tokenFile: string | undefined): Promise<Record<string, string>> {
  if (tokenFile === undefined) return {};
  try {
    return { authorization: `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}` };
  } catch (error) {
    throw new CeleriacError('CELERIAC_E_CONFIG', `the token cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
