// RabbitMQ for tests: one node for the whole vitest run, started by the first test that asks, and a virtual host for each test.

import { createConnection } from 'node:net';
import { text } from 'node:stream/consumers';
import { type RabbitmqAddress, type RabbitmqOptions, rabbitmqctl, startRabbitmqNode } from './rabbitmq-node.ts';

export interface Vhost {
  readonly name: string;
  /** `amqp://guest:guest@127.0.0.1:PORT/NAME`, good for amqplib and for Python. */
  readonly url: string;
}

export interface QueueFacts {
  readonly name: string;
  readonly type: string;
  readonly ready: number;
  readonly unacked: number;
  readonly consumers: number;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export interface Rabbitmq {
  /** Of the default virtual host. */
  readonly url: string;
  readonly port: number;
  /** The management API's, on 127.0.0.1, user guest, password guest. */
  readonly managementPort: number;
  createVhost(): Promise<Vhost>;
  deleteVhost(vhost: Vhost): Promise<void>;
  /** Runs rabbitmqctl and returns its output. Costs about a second: prefer `management`. */
  rabbitmqctl(...args: readonly string[]): Promise<string>;
  /** Asks the management API; `path` begins behind `/api/`. Returns the parsed answer, or `undefined` for an empty one. */
  management(method: 'GET' | 'PUT' | 'DELETE' | 'POST', path: string, body?: unknown): Promise<unknown>;
  /** The queues of a virtual host with fresh counts, straight from the node. */
  queues(vhost: Vhost): Promise<readonly QueueFacts[]>;
  /** Ends the node if it is this caller's own; the shared one stays for the other tests. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface OwnRabbitmq extends Rabbitmq {
  readonly pid: number;
  restart(): Promise<void>;
  kill(): Promise<void>;
}

/** The node that this vitest run shares; outside vitest one of the caller's own. */
export async function startRabbitmq(): Promise<Rabbitmq> {
  const services = process.env['CELERIAC_TEST_RUN_SERVICES'];
  if (services === undefined) return startOwnRabbitmq();
  const socket = createConnection(services);
  socket.end('rabbitmq\n');
  const answer = JSON.parse(await text(socket)) as RabbitmqAddress | { readonly error: string };
  if ('error' in answer) throw new Error(answer.error);
  return describe(answer, async () => {});
}

/** A node of the caller's own (10 s and 150 MB): for tests that restart it or set its configuration. */
export async function startOwnRabbitmq(options: RabbitmqOptions = {}): Promise<OwnRabbitmq> {
  const node = await startRabbitmqNode(options);
  const broker = describe(node, () => node.stop());
  return {
    ...broker,
    get pid() {
      return node.pid;
    },
    restart: node.restart,
    kill: node.kill,
  };
}

let vhostCount = 0;

function describe(node: RabbitmqAddress, stop: () => Promise<void>): Rabbitmq {
  const management: Rabbitmq['management'] = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${node.managementPort}/api/${path}`, {
      method,
      headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`${method} /api/${path}: ${response.status} ${answer}`);
    return answer === '' ? undefined : JSON.parse(answer);
  };
  const ctl = (...args: readonly string[]): Promise<string> => rabbitmqctl(node, ...args);
  return {
    url: `amqp://guest:guest@127.0.0.1:${node.port}`,
    port: node.port,
    managementPort: node.managementPort,
    createVhost: async () => {
      const name = `v${process.pid}-${++vhostCount}`;
      await management('PUT', `vhosts/${name}`);
      await management('PUT', `permissions/${name}/guest`, { configure: '.*', write: '.*', read: '.*' });
      return { name, url: `amqp://guest:guest@127.0.0.1:${node.port}/${name}` };
    },
    deleteVhost: async (vhost) => {
      await management('DELETE', `vhosts/${vhost.name}`);
    },
    rabbitmqctl: ctl,
    management,
    queues: async (vhost) => {
      const columns = ['name', 'type', 'messages_ready', 'messages_unacknowledged', 'consumers', 'arguments'];
      const rows = JSON.parse(await ctl('-q', '--formatter', 'json', 'list_queues', '-p', vhost.name, ...columns)) as Record<
        string,
        unknown
      >[];
      return rows.map((row) => ({
        name: String(row['name']),
        type: String(row['type']),
        ready: Number(row['messages_ready']),
        unacked: Number(row['messages_unacknowledged']),
        consumers: Number(row['consumers']),
        arguments: (row['arguments'] ?? {}) as Record<string, unknown>,
      }));
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
