// One real RabbitMQ node with an epmd, ports and a folder of its own, loopback only, without Debian's wrapper.

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type SpawnedProcess, spawnProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { freePort, isListening } from './free-port.ts';

const run = promisify(execFile);
const SCRIPTS = '/usr/lib/rabbitmq/bin';
const START_LIMIT_MS = 120_000;

export interface RabbitmqOptions {
  /** Further lines of rabbitmq.conf, for example `consumer_timeout = 10000`. */
  readonly config?: readonly string[];
}

/** What a process other than the one that started the node needs to use it. */
export interface RabbitmqAddress {
  readonly port: number;
  readonly managementPort: number;
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface RabbitmqNode extends RabbitmqAddress {
  /** Of the server script; changes at a restart. */
  readonly pid: number;
  stop(): Promise<void>;
  /** Ends the node in good order and starts it again on the same port and folder; durable queues and messages stay. */
  restart(): Promise<void>;
  /** SIGKILL to the node's process group; `restart` brings it back. */
  kill(): Promise<void>;
}

export async function startRabbitmqNode(options: RabbitmqOptions = {}): Promise<RabbitmqNode> {
  const dir = mkdtempSync(join(tmpdir(), 'celeriac-rabbitmq-'));
  const [port, managementPort, distPort, epmdPort] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
  const env = nodeEnvironment(dir, port, distPort, epmdPort);
  mkdirSync(join(dir, 'log'));
  writeFileSync(join(dir, 'enabled_plugins'), '[rabbitmq_management].');
  writeFileSync(
    join(dir, 'rabbitmq.conf'),
    [
      `listeners.tcp.1 = 127.0.0.1:${port}`,
      'vm_memory_high_watermark.relative = 0.4',
      'disk_free_limit.absolute = 200MB',
      'management.tcp.ip = 127.0.0.1',
      `management.tcp.port = ${managementPort}`,
      ...(options.config ?? []),
      '',
    ].join('\n'),
  );

  // without an epmd of our own the node starts one that outlives everything
  const epmd = spawnProcess('epmd', ['-address', '127.0.0.1', '-port', String(epmdPort)], { cwd: dir, group: true });
  await until(() => isListening(epmdPort), { what: `epmd on port ${epmdPort}` });
  let server: SpawnedProcess | undefined;
  const start = async (): Promise<void> => {
    const started = spawnProcess(join(SCRIPTS, 'rabbitmq-server'), [], { cwd: dir, env, group: true });
    server = started;
    let failure: Error | undefined;
    void started.ended.then((end) => {
      failure = new Error(`RabbitMQ ended with ${end.code ?? end.signal}:\n${started.output().slice(-4_000)}`);
    });
    const ready = async (): Promise<boolean> => {
      if (failure !== undefined) throw failure;
      return isListening(port);
    };
    await until(ready, { timeoutMs: START_LIMIT_MS, everyMs: 100, what: `RabbitMQ on port ${port}` });
    await rabbitmqctl({ env }, '-q', 'await_startup', '--timeout', '60');
    await until(() => isListening(managementPort), { timeoutMs: 30_000, what: 'the management port' });
  };
  const stop = async (): Promise<void> => {
    await server?.stop(45_000);
    await epmd.stop(5_000);
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    managementPort,
    dir,
    env,
    get pid() {
      return server?.pid ?? 0;
    },
    stop,
    restart: async () => {
      await server?.stop(45_000);
      await start();
    },
    kill: async () => {
      await server?.kill();
    },
  };
}

/** Runs rabbitmqctl against the node whose environment is given, and returns its standard output. */
export async function rabbitmqctl(node: { readonly env: Readonly<Record<string, string>> }, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(join(SCRIPTS, 'rabbitmqctl'), [...args], { env: { ...process.env, ...node.env }, timeout: 90_000 });
  return stdout;
}

/** Why no node can be started on this machine, or `undefined` when one can. */
export function whyNoRabbitmq(): string | undefined {
  return existsSync(join(SCRIPTS, 'rabbitmq-server')) ? undefined : `rabbitmq-server is not installed (no ${SCRIPTS}/rabbitmq-server)`;
}

function nodeEnvironment(dir: string, port: number, distPort: number, epmdPort: number): Record<string, string> {
  return {
    HOME: dir, // the cookie is made here
    RABBITMQ_NODENAME: `test${port}@localhost`,
    RABBITMQ_MNESIA_BASE: join(dir, 'mnesia'),
    RABBITMQ_LOG_BASE: join(dir, 'log'),
    RABBITMQ_SCHEMA_DIR: join(dir, 'schema'),
    RABBITMQ_CONFIG_FILE: join(dir, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(dir, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(dir, 'enabled_plugins'),
    RABBITMQ_CONF_ENV_FILE: join(dir, 'none.conf'),
    RABBITMQ_PID_FILE: join(dir, 'pid'),
    RABBITMQ_DIST_PORT: String(distPort),
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_FLAGS: '-start_epmd false', // an epmd that a VM starts by itself outlives everything
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    ERL_MAX_PORTS: '8192', // with a huge `ulimit -n` the VM reserves memory for every possible descriptor
  };
}
