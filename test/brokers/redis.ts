// A real redis-server on a free loopback port with a folder of its own, stopped by pid.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SpawnedProcess, spawnProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { freePort } from './free-port.ts';

export interface RedisOptions {
  readonly requirepass?: string;
  /** Further command line arguments, for example `['--maxmemory', '10mb']`. */
  readonly extraArgs?: readonly string[];
  /** Listens with TLS only, with a certificate made for 127.0.0.1 and localhost. Default false. */
  readonly tls?: boolean;
  /** Keeps an append-only file that is synced on every write, so that `restart` loses nothing. Default false. */
  readonly persistent?: boolean;
  /** The program. Default `redis-server`. */
  readonly program?: string;
}

export interface RedisServer {
  /** `redis://…` or `rediss://…`, with the password percent-encoded, for database 0. */
  readonly url: string;
  readonly port: number;
  readonly dir: string;
  /** The certificate authority's file, with `tls` only. */
  readonly caFile: string | undefined;
  /** Changes at a restart. */
  readonly pid: number;
  /** The URL of another database of this server. */
  database(index: number): string;
  stop(): Promise<void>;
  /** Stops and starts again on the same port and folder. */
  restart(): Promise<void>;
  /** SIGKILL; `restart` brings it back. */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  freeze(): void;
  thaw(): void;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const dir = mkdtempSync(join(tmpdir(), 'celeriac-redis-'));
  const certificate = options.tls === true ? makeCertificate(dir) : undefined;
  let port = 0;
  let server: SpawnedProcess | undefined;

  const start = async (): Promise<void> => {
    const listen =
      certificate === undefined
        ? ['--port', String(port)]
        : [
            ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no'],
            ...['--tls-cert-file', certificate.cert, '--tls-key-file', certificate.key, '--tls-ca-cert-file', certificate.cert],
          ];
    const keep = options.persistent === true ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
    const password = options.requirepass === undefined ? [] : ['--requirepass', options.requirepass];
    const args = [...listen, '--bind', '127.0.0.1', '--save', '', ...keep, '--dir', dir, '--daemonize', 'no', ...password];
    const started = spawnProcess(options.program ?? 'redis-server', [...args, ...(options.extraArgs ?? [])], { cwd: dir });
    server = started;
    await started.line(/Ready to accept connections/, 60_000);
    if (certificate === undefined) await until(() => answersPing(port), { what: `an answer of Redis on port ${port}` });
  };

  for (let attempt = 1; ; attempt++) {
    port = await freePort();
    try {
      await start();
      break;
    } catch (error) {
      const taken = server?.output().includes('Address already in use') === true;
      await server?.kill();
      if (!taken || attempt === 5) {
        rmSync(dir, { recursive: true, force: true });
        throw error;
      }
    }
  }

  const credentials = options.requirepass === undefined ? '' : `:${encodeURIComponent(options.requirepass)}@`;
  const database = (index: number): string =>
    `${certificate === undefined ? 'redis' : 'rediss'}://${credentials}127.0.0.1:${port}/${index}`;
  const stop = async (): Promise<void> => {
    server?.signal('SIGCONT');
    await server?.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  return {
    url: database(0),
    port,
    dir,
    caFile: certificate?.cert,
    get pid() {
      return server?.pid ?? 0;
    },
    database,
    stop,
    restart: async () => {
      await server?.stop();
      await start();
    },
    kill: async () => {
      await server?.kill();
    },
    freeze: () => server?.signal('SIGSTOP'),
    thaw: () => server?.signal('SIGCONT'),
    [Symbol.asyncDispose]: stop,
  };
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () => socket.write('PING\r\n'));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(/^(\+PONG|-NOAUTH|-DENIED)/.test(String(data)));
    });
    socket.once('error', () => resolve(false));
  });
}

function makeCertificate(dir: string): { cert: string; key: string } {
  const cert = join(dir, 'server.crt');
  const key = join(dir, 'server.key');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject], {
    stdio: 'pipe',
  });
  return { cert, key };
}
