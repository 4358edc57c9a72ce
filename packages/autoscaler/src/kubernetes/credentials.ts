import { access } from 'node:fs/promises';
import type { Agent, RequestOptions } from 'node:https';
import { join } from 'node:path';
import { CeleriacError } from '@celeriac/protocol';
import type { Authenticator } from '@kubernetes/client-node/dist/auth.js';
import type { User } from '@kubernetes/client-node/dist/config_types.js';
import { inClusterConfig, SERVICE_ACCOUNT_DIR } from './in-cluster.ts';
import { type ChosenConfig, readKubeconfig } from './kubeconfig.ts';
import { readTlsMaterial, sameTls, type TlsMaterial } from './tls-material.ts';

/** What one request needs to be let in. */
export interface RequestSecurity {
  readonly headers: Readonly<Record<string, string>>;
  /** The same object for as long as its content is the same, so that connections can be kept by it. */
  readonly tls: TlsMaterial;
  /** A connection maker of its own where the kubeconfig names a proxy, else null. */
  readonly agent: Agent | null;
}

/** The right to speak to one API server. */
export interface Credentials {
  /** Without a slash at its end. */
  readonly server: string;
  /** The namespace to act in where none is given: the service account's or the context's, else `default`. */
  readonly namespace: string;
  /**
   * Asked before every request: files are read again once a minute, an exec plugin runs when its answer has expired. Rejects with
   * CELERIAC_E_CONFIG.
   */
  authorize(): Promise<RequestSecurity>;
  /** The server did not accept them: everything is read again at the next request. */
  forget(): void;
}

const READ_AGAIN_MS = 60_000;

/**
 * Finds the way to the API server, as kubectl does: `kubeconfig`, else `$KUBECONFIG`, else `~/.kube/config`, else the service account of
 * the pod we run in. Throws CELERIAC_E_CONFIG.
 *
 * Of @kubernetes/client-node only the readers of a kubeconfig and the token and exec providers are loaded (4 ms, 3 MB). KubeConfig itself
 * brings the generated models of every API with it, 480 ms and 85 MB (the whole package: 530 ms, 90 MB), and is loaded for OIDC and the
 * cloud providers of old and behind a proxy only.
 */
export async function loadCredentials(
  options: {
    /** Path, or several as in `$KUBECONFIG`. */
    readonly kubeconfig?: string | undefined;
    /** Default: the current one. */
    readonly context?: string | undefined;
    readonly env?: Readonly<Record<string, string | undefined>> | undefined;
    /** Default: where a kubelet mounts it. */
    readonly serviceAccountDir?: string | undefined;
    /** Any clock that does not jump, ms. */
    readonly now?: () => number;
  } = {},
): Promise<Credentials> {
  const { env = {}, context, now = () => performance.now() } = options;
  const paths = options.kubeconfig ?? (env['KUBECONFIG'] || (await homeKubeconfig(env['HOME'])));
  const chosen =
    paths === null ? await inClusterConfig(env, options.serviceAccountDir ?? SERVICE_ACCOUNT_DIR) : await readKubeconfig(paths, context);
  const credentials = needsKubeConfig(chosen) ? await byKubeConfig(chosen) : await byProviders(chosen, now);
  await credentials.authorize();
  return credentials;
}

async function homeKubeconfig(home: string | undefined): Promise<string | null> {
  if (home === undefined || home === '') return null;
  const path = join(home, '.kube', 'config');
  return access(path).then(
    () => path,
    () => null,
  );
}

function needsKubeConfig({ cluster, user }: ChosenConfig): boolean {
  const provider: unknown = user.authProvider?.name;
  return cluster.proxyUrl !== undefined || provider === 'oidc' || provider === 'azure' || provider === 'gcp';
}

/** Token, token file, client certificate, password, exec plugin: all that is met in a cluster and nearly all outside. */
async function byProviders(chosen: ChosenConfig, now: () => number): Promise<Credentials> {
  const { FileAuth } = await import('@kubernetes/client-node/dist/file_auth.js');
  const { ExecAuth } = await import('@kubernetes/client-node/dist/exec_auth.js');
  const user = withExecInfo(chosen.user);
  const providers = (): readonly Authenticator[] => [new ExecAuth(), new FileAuth()];
  let known = providers();
  let tls: TlsMaterial | null = null;
  let tlsReadAtMs = Number.NEGATIVE_INFINITY;

  return {
    server: checkedServer(chosen),
    namespace: chosen.namespace ?? 'default',
    async authorize() {
      try {
        const given: RequestOptions = { headers: {} };
        await known.find((provider) => provider.isAuthProvider(user))?.applyAuthentication(user, given);
        if (tls === null || given.cert !== undefined || now() - tlsReadAtMs >= READ_AGAIN_MS) {
          const read = await readTlsMaterial(chosen.cluster, user, given);
          tlsReadAtMs = now();
          if (tls === null || !sameTls(tls, read)) tls = read;
        }
        return { headers: requestHeaders(user, given), tls, agent: null };
      } catch (error) {
        const why = error instanceof Error ? error.message.trim() : 'the credentials cannot be read';
        throw new CeleriacError('CELERIAC_E_CONFIG', `credentials of context ${chosen.context}: ${why}`, { cause: error });
      }
    },
    forget() {
      known = providers();
      tlsReadAtMs = Number.NEGATIVE_INFINITY;
    },
  };
}

/** The library's own way, for what its small parts cannot do. It reads everything anew for every request. */
async function byKubeConfig(chosen: ChosenConfig): Promise<Credentials> {
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const config = new KubeConfig();
  config.loadFromClusterAndUser(chosen.cluster, chosen.user);
  let tls: TlsMaterial = {};
  return {
    server: checkedServer(chosen),
    namespace: chosen.namespace ?? 'default',
    async authorize() {
      try {
        const given: RequestOptions = { headers: {} };
        await config.applyToHTTPSOptions(given);
        const read = await readTlsMaterial(chosen.cluster, chosen.user, given);
        if (!sameTls(tls, read)) tls = read;
        return {
          headers: requestHeaders(chosen.user, given),
          tls,
          agent: chosen.cluster.proxyUrl === undefined ? null : (given.agent as Agent),
        };
      } catch (error) {
        throw new CeleriacError('CELERIAC_E_CONFIG', `credentials of context ${chosen.context} cannot be had`, { cause: error });
      }
    },
    forget() {},
  };
}

function requestHeaders(user: User, given: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  const authorization = (given.headers as Record<string, unknown> | undefined)?.['Authorization'];
  // a token file often ends with a line break, which no header may hold
  if (typeof authorization === 'string') headers['authorization'] = authorization.trim();
  else if (user.token) headers['authorization'] = `Bearer ${user.token.trim()}`;
  else if (user.username) headers['authorization'] = `Basic ${Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64')}`;
  if (user.impersonateUser) headers['impersonate-user'] = user.impersonateUser;
  return headers;
}

/** Exec plugins are told which version of their protocol is spoken, and that nobody is there to type. */
function withExecInfo(user: User): User {
  if (typeof user.exec !== 'object' || user.exec === null) return user;
  const exec = user.exec as { readonly apiVersion?: unknown; readonly env?: unknown };
  const info = { apiVersion: exec.apiVersion, kind: 'ExecCredential', spec: { interactive: false } };
  const env: readonly unknown[] = Array.isArray(exec.env) ? exec.env : [];
  return { ...user, exec: { ...exec, env: [...env, { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }] } };
}

/** Plain HTTP is for `kubectl proxy` on this machine: a token would be read by anybody on the way. */
function checkedServer({ cluster, context }: ChosenConfig): string {
  const url = URL.canParse(cluster.server) ? new URL(cluster.server) : null;
  const loopback = url !== null && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url === null || (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback))) {
    throw new CeleriacError('CELERIAC_E_CONFIG', `context ${context}: the server must be an https:// address (http:// on loopback only)`);
  }
  return cluster.server.replace(/\/+$/, '');
}
