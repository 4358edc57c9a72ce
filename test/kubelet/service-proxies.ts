// Services for pods on loopback: each has an address of its own, and a connection to one of its ports goes on to a Ready pod that it
// selects at that moment, as kube-proxy sends it. Who asks by a host name is told the address in its place: there is no DNS here.

import { randomInt } from 'node:crypto';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { type KubeList, type KubeObject, resourcePath } from '../kubernetes/objects.ts';
import type { Rest } from '../kubernetes/rest.ts';
import type { Pod } from './pod.ts';

interface ServicePort {
  readonly port: number;
  readonly targetPort?: number | string;
}

interface ServiceSpec {
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly ServicePort[];
  readonly publishNotReadyAddresses?: boolean;
}

type Service = KubeObject<ServiceSpec>;

export interface ServiceProxies {
  /** Names of the Services there are now, in all forms, and their addresses; all of them listen. */
  hosts(): Promise<ReadonlyMap<string, string>>;
  stop(): Promise<void>;
}

export function createServiceProxies(api: Rest, namespace: string, pods: () => readonly Pod[]): ServiceProxies {
  const addresses = new Map<string, string>();
  const servers = new Map<string, Server>();
  const sockets = new Set<Socket>();

  const connect = async (client: Socket, name: string, port: number): Promise<void> => {
    const { spec } = await api.get<Service>(resourcePath('Service', namespace, name));
    const wanted = spec?.ports?.find((one) => one.port === port);
    const able = pods().filter((pod) => selects(spec, pod));
    const pod = able[able.length === 0 ? 0 : randomInt(able.length)];
    if (pod === undefined || wanted === undefined) throw new Error(`no endpoint of ${name}`);
    const upstream = createConnection({ host: pod.status?.podIP ?? '', port: targetPort(wanted, pod) });
    sockets.add(upstream);
    upstream.on('close', () => sockets.delete(upstream) && client.destroy()).on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
    client.pipe(upstream).pipe(client);
  };
  const listen = async (name: string, host: string, port: number): Promise<void> => {
    const server = createServer({ pauseOnConnect: false }, (client) => {
      sockets.add(client);
      client.on('close', () => sockets.delete(client)).on('error', () => {});
      connect(client, name, port).catch(() => client.resetAndDestroy());
    });
    servers.set(`${name}:${port}`, server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
  };

  let looking: Promise<unknown> = Promise.resolve();
  const look = async (): Promise<ReadonlyMap<string, string>> => {
    const { items } = await api.get<KubeList<Service>>(resourcePath('Service', namespace));
    const hosts = new Map<string, string>();
    for (const { metadata, spec } of items) {
      if (spec?.selector === undefined) continue;
      const { name } = metadata;
      const address = addresses.get(name) ?? `127.${randomInt(128, 192)}.${randomInt(256)}.${randomInt(1, 255)}`;
      addresses.set(name, address);
      for (const { port } of spec.ports ?? []) if (!servers.has(`${name}:${port}`)) await listen(name, address, port);
      for (const host of ['.svc.cluster.local', '.svc', '']) hosts.set(`${name}.${namespace}${host}`, address);
      hosts.set(name, address);
    }
    return hosts;
  };

  return {
    hosts: () => {
      const answer = looking.then(look);
      looking = answer.catch(() => {});
      return answer;
    },
    stop: async () => {
      await looking;
      for (const socket of sockets) socket.destroy();
      await Promise.all([...servers.values()].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

function selects(spec: ServiceSpec | undefined, pod: Pod): boolean {
  const labels = pod.metadata.labels ?? {};
  const ready = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  const leaving = pod.metadata.deletionTimestamp !== undefined;
  const chosen = Object.entries(spec?.selector ?? {}).every(([label, value]) => labels[label] === value);
  return chosen && (spec?.publishNotReadyAddresses === true || (ready && !leaving));
}

function targetPort({ port, targetPort: target = port }: ServicePort, pod: Pod): number {
  if (typeof target === 'number') return target;
  const ports = pod.spec?.containers.flatMap((container) => container.ports ?? []) ?? [];
  return ports.find(({ name }) => name === target)?.containerPort ?? Number(target);
}
