// The checker of pod specs says what the API server's own admission at the level "restricted" says, rule by rule.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sharedControlPlane } from '../kubernetes/control-plane.ts';
import { resourcePath } from '../kubernetes/objects.ts';
import { ApiRefusal, type Rest } from '../kubernetes/rest.ts';
import { type Fields, restrictedFaults } from './pod-security.ts';
import { restrictedNamespace } from './restricted-namespace.ts';

const seccompProfile = { type: 'RuntimeDefault' };
const context = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, runAsNonRoot: true, seccompProfile };

/** A pod with one container, both as they should be but for what is given. */
function podSpec(container: Fields = {}, pod: Fields = {}): Fields {
  return { containers: [{ name: 'main', image: 'app', securityContext: context, ...container }], ...pod };
}
const withContext = (changes: Fields): Fields => podSpec({ securityContext: { ...context, ...changes } });
const withPodContext = (securityContext: Fields): Fields => podSpec({}, { securityContext });
const probe = { httpGet: { port: 80, host: '10.0.0.1' } };

const ADMITTED: Readonly<Record<string, Fields>> = {
  'the least that is asked for': podSpec(),
  'context of the pod in place of the container': podSpec(
    { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } },
    { securityContext: { runAsNonRoot: true, seccompProfile } },
  ),
  'a safe sysctl': withPodContext({ sysctls: [{ name: 'net.ipv4.tcp_keepalive_time', value: '60' }] }),
  NET_BIND_SERVICE: withContext({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } }),
  'its volumes': podSpec(
    {},
    {
      volumes: [
        { name: 'a', emptyDir: {} },
        { name: 'b', configMap: { name: 'b' } },
        { name: 'c', secret: { secretName: 'c' } },
        { name: 'd', persistentVolumeClaim: { claimName: 'd' } },
        { name: 'e', projected: { sources: [] } },
      ],
    },
  ),
  'a SELinux type of containers': withContext({ seLinuxOptions: { type: 'container_t' } }),
  'an AppArmor profile': withContext({ appArmorProfile: { type: 'RuntimeDefault' } }),
};

const REFUSED: Readonly<Record<string, Fields>> = {
  'host network': podSpec({}, { hostNetwork: true }),
  'host PIDs': podSpec({}, { hostPID: true }),
  'host IPC': podSpec({}, { hostIPC: true }),
  'a host process': podSpec({}, { hostNetwork: true, securityContext: { windowsOptions: { hostProcess: true } } }),
  'a privileged container': withContext({ privileged: true, allowPrivilegeEscalation: true }),
  'escalation that is not forbidden': withContext({ allowPrivilegeEscalation: undefined }),
  escalation: withContext({ allowPrivilegeEscalation: true }),
  'capabilities that are not dropped': withContext({ capabilities: undefined }),
  'capabilities dropped one by one': withContext({ capabilities: { drop: ['NET_RAW'] } }),
  'a capability': withContext({ capabilities: { drop: ['ALL'], add: ['SYS_TIME'] } }),
  'a path of the host': podSpec({}, { volumes: [{ name: 'h', hostPath: { path: '/' } }] }),
  'a volume of a driver in the tree': podSpec({}, { volumes: [{ name: 'n', nfs: { server: 'a', path: '/' } }] }),
  'a port of the host': podSpec({ ports: [{ containerPort: 80, hostPort: 80 }] }),
  'a probe of another host': podSpec({ livenessProbe: probe }),
  'a hook that calls another host': podSpec({ lifecycle: { preStop: { httpGet: { port: 80, host: '10.0.0.1' } } } }),
  'no AppArmor': withContext({ appArmorProfile: { type: 'Unconfined' } }),
  'no AppArmor for the pod': withPodContext({ appArmorProfile: { type: 'Unconfined' } }),
  'a SELinux type of its own': withContext({ seLinuxOptions: { type: 'spc_t' } }),
  'a SELinux user': withContext({ seLinuxOptions: { user: 'root' } }),
  'a bare /proc': podSpec({ securityContext: { ...context, procMount: 'Unmasked' } }, { hostUsers: false }),
  'an unsafe sysctl': withPodContext({ sysctls: [{ name: 'kernel.msgmax', value: '65536' }] }),
  'a user that may be root': withContext({ runAsNonRoot: undefined }),
  'root allowed': withContext({ runAsNonRoot: false }),
  'root allowed by a container of a pod that forbids it': podSpec(
    { securityContext: { ...context, runAsNonRoot: false } },
    { securityContext: { runAsNonRoot: true } },
  ),
  'user 0': withContext({ runAsUser: 0 }),
  'user 0 of the pod': withPodContext({ runAsUser: 0 }),
  'no seccomp profile': withContext({ seccompProfile: undefined }),
  'seccomp off': withContext({ seccompProfile: { type: 'Unconfined' } }),
  'an init container like that': podSpec({}, { initContainers: [{ name: 'first', image: 'app' }] }),
};

let api: Rest;
let pods: string;

beforeAll(async () => {
  const cluster = await sharedControlPlane();
  api = cluster.api;
  pods = resourcePath('Pod', await restrictedNamespace(cluster));
});

afterAll(() => api.close());

/** What the API server's admission says against a pod; undefined where it takes it. */
async function refusal(spec: Fields): Promise<string | undefined> {
  try {
    await api.create(`${pods}?dryRun=All`, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'asked' }, spec });
    return undefined;
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error;
    return error.message;
  }
}

describe('admitted by both', () => {
  it.each(Object.entries(ADMITTED))('%s', async (_, spec) => {
    expect(restrictedFaults(spec)).toEqual([]);
    expect(await refusal(spec)).toBeUndefined();
  });
});

describe('refused by both', () => {
  it.each(Object.entries(REFUSED))('%s', async (_, spec) => {
    expect(restrictedFaults(spec)).not.toEqual([]);
    expect(await refusal(spec)).toMatch(/violates PodSecurity "restricted:latest"/);
  });
});

it('an annotation that takes AppArmor away is refused', () => {
  const name = 'container.apparmor.security.beta.kubernetes.io/main';
  expect(restrictedFaults(podSpec(), { [name]: 'unconfined' })).toEqual([`annotation ${name}: unconfined`]);
  expect(restrictedFaults(podSpec(), { [name]: 'runtime/default' })).toEqual([]);
});
