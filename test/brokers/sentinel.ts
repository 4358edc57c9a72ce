// A Redis master, a replica of it and one sentinel that watches them, for clients that ask a sentinel where the master is.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { freePort } from './free-port.ts';
import { type RedisServer, startRedis } from './redis.ts';

export interface SentinelOptions {
  /** Of master and replica. */
  readonly requirepass?: string;
  /** What the sentinel itself asks for. Default: nothing. */
  readonly sentinelPassword?: string;
}

export interface Sentinel {
  readonly port: number;
  /** What the sentinel calls the master: `main`. */
  readonly masterName: string;
  readonly first: RedisServer;
  readonly second: RedisServer;
  /** The port that the sentinel gives for the master now. */
  masterPort(): Promise<number>;
  /** Makes the other server the master; resolves when the sentinel says so (1 to 5 s). */
  failOver(): Promise<void>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const MASTER_NAME = 'main';

export async function startSentinel(options: SentinelOptions = {}): Promise<Sentinel> {
  const password = options.requirepass === undefined ? {} : { requirepass: options.requirepass };
  const masterAuth = options.requirepass === undefined ? [] : ['--masterauth', options.requirepass];
  const first = await startRedis({ ...password, extraArgs: masterAuth });
  const second = await startRedis({ ...password, extraArgs: [...masterAuth, '--replicaof', `127.0.0.1 ${first.port}`] });
  const dir = mkdtempSync(join(tmpdir(), 'celeriac-sentinel-'));
  const port = await freePort();
  const auth = options.requirepass === undefined ? [] : [`sentinel auth-pass ${MASTER_NAME} ${options.requirepass}`];
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${dir}`,
    `sentinel monitor ${MASTER_NAME} 127.0.0.1 ${first.port} 1`,
    // a slow machine is no death of the master, and no reason to give a failover up
    `sentinel down-after-milliseconds ${MASTER_NAME} 60000`,
    `sentinel failover-timeout ${MASTER_NAME} 60000`,
    ...auth,
    ...(options.sentinelPassword === undefined ? [] : [`requirepass ${options.sentinelPassword}`]),
  ];
  const config = join(dir, 'sentinel.conf');
  writeFileSync(config, `${lines.join('\n')}\n`);
  const sentinel = spawnProcess('redis-server', [config, '--sentinel'], { cwd: dir });
  const stop = async (): Promise<void> => {
    await Promise.all([sentinel.stop(), first.stop(), second.stop()]);
    rmSync(dir, { recursive: true, force: true });
  };
  const asked = (command: string): Promise<string[]> => ask(port, command, options.sentinelPassword);
  const masterPort = async (): Promise<number> => Number((await asked(`SENTINEL get-master-addr-by-name ${MASTER_NAME}`))[1]);
  try {
    const knowsBoth = async (): Promise<boolean> => {
      const facts = await asked(`SENTINEL master ${MASTER_NAME}`).catch((): string[] => []);
      return facts[facts.indexOf('num-slaves') + 1] === '1';
    };
    await until(knowsBoth, { timeoutMs: 60_000, everyMs: 100, what: 'a sentinel that knows master and replica' });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    masterName: MASTER_NAME,
    first,
    second,
    masterPort,
    failOver: async () => {
      const before = await masterPort();
      // refused until the replica has been seen in good health
      const begun = async (): Promise<boolean> => (await asked(`SENTINEL failover ${MASTER_NAME}`)).includes('OK');
      await until(begun, { timeoutMs: 60_000, everyMs: 250, what: 'a failover that begins' });
      await until(async () => (await masterPort()) !== before, { timeoutMs: 60_000, everyMs: 100, what: 'the failover' });
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** One inline command; returns the words of the reply, without RESP's lengths. */
function ask(port: number, command: string, password?: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1' }, () =>
      socket.end(`${password === undefined ? '' : `AUTH ${password}\r\n`}${command}\r\nQUIT\r\n`),
    );
    let reply = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      reply += chunk;
    });
    socket.once('error', reject);
    socket.once('end', () =>
      resolve(
        reply
          .split('\r\n')
          .filter((line) => !/^[*$]/.test(line))
          .map((line) => line.replace(/^\+/, '')),
      ),
    );
  });
}
