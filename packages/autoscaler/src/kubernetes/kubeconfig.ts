import { readFile } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { CeleriacError } from '@celeriac/protocol';
import type { Cluster, Context, User } from '@kubernetes/client-node/dist/config_types.js';

/** The one cluster and the one user of a kubeconfig that are meant. */
export interface ChosenConfig {
  readonly cluster: Cluster;
  readonly user: User;
  /** Namespace of the context; null where it names none. */
  readonly namespace: string | null;
  readonly context: string;
}

/**
 * Reads one or more kubeconfig files (several as in `$KUBECONFIG`, the first entry of a name wins, as kubectl has it) and picks a context.
 * Relative paths in a file are taken from its folder. Throws CELERIAC_E_CONFIG naming the file or the context.
 */
export async function readKubeconfig(paths: string, context: string | undefined): Promise<ChosenConfig> {
  const files = paths.split(delimiter).filter((path) => path !== '');
  const [{ newClusters, newContexts, newUsers }, { parse }] = await Promise.all([
    import('@kubernetes/client-node/dist/config_types.js'),
    import('yaml'),
  ]);
  const clusters: Cluster[] = [];
  const contexts: Context[] = [];
  const users: User[] = [];
  let current: string | undefined;
  for (const file of files) {
    try {
      const content = record(parse(await readFile(file, 'utf8')));
      clusters.push(...newClusters(content['clusters']).map((cluster) => absoluteCluster(cluster, dirname(file))));
      contexts.push(...newContexts(content['contexts']));
      users.push(...newUsers(content['users']).map((user, index) => absoluteUser(user, list(content['users'])[index], dirname(file))));
      if (typeof content['current-context'] === 'string') current ??= content['current-context'];
    } catch (error) {
      // a YAML error quotes the line it is about, which may be the token
      const why = error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'no such file' : 'not a kubeconfig';
      throw new CeleriacError('CELERIAC_E_CONFIG', `kubeconfig ${file}: ${why}`);
    }
  }
  const wanted = context ?? current;
  const found = contexts.find(({ name }) => name === wanted);
  const cluster = clusters.find(({ name }) => name === found?.cluster);
  if (wanted === undefined || found === undefined || cluster === undefined) {
    const names = contexts.map(({ name }) => name).join(', ');
    throw new CeleriacError(
      'CELERIAC_E_CONFIG',
      `kubeconfig ${paths}: no usable context ${wanted ?? '(none is current)'}; there are: ${names}`,
    );
  }
  const user = users.find(({ name }) => name === found.user) ?? { name: found.user };
  return { cluster, user, namespace: found.namespace ?? null, context: found.name };
}

function absoluteCluster(cluster: Cluster, folder: string): Cluster {
  return cluster.caFile === undefined ? cluster : { ...cluster, caFile: absolute(cluster.caFile, folder) };
}

/** `tokenFile`, as kubectl has it, is not among what client-node reads; its token provider takes it. */
function absoluteUser(user: User, entry: unknown, folder: string): User {
  const tokenFile = record(record(entry)['user'])['tokenFile'];
  const changed = {
    ...user,
    ...(user.certFile ? { certFile: absolute(user.certFile, folder) } : {}),
    ...(user.keyFile ? { keyFile: absolute(user.keyFile, folder) } : {}),
  };
  if (typeof tokenFile !== 'string' || tokenFile === '') return changed;
  const { token: _token, ...rest } = changed;
  return { ...rest, authProvider: { name: 'tokenFile', config: { tokenFile: absolute(tokenFile, folder) } } };
}

const absolute = (path: string, folder: string): string => (isAbsolute(path) ? path : join(folder, path));

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
