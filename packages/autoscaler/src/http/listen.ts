import type { Server } from 'node:http';
import { CeleriacError } from '@celeriac/protocol';

/** Resolves when the server listens. Rejects with CELERIAC_E_CONFIG where the address cannot be had. */
export function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) =>
      reject(new CeleriacError('CELERIAC_E_CONFIG', `cannot listen on ${host}:${port}: ${error.message}`, { cause: error })),
    );
    server.listen(port, host, resolve);
  });
}
