// The Pod Security Standards at the level "restricted" as a checker of pod specs, rule by rule.
// Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/ (what "latest" asks of Linux pods).

export type Fields = Readonly<Record<string, unknown>>;

const SAFE_SYSCTLS = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
]);
const SELINUX_TYPES = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']);
const VOLUMES = new Set(['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret']);
const APP_ARMOR = /^container\.apparmor\.security\.beta\.kubernetes\.io\//;

/** What a pod says that "restricted" forbids, or does not say that it asks for; empty where it is admitted. */
export function restrictedFaults(spec: Fields, annotations: Fields = {}): readonly string[] {
  const pod = fields(spec['securityContext']);
  const faults: string[] = [];
  for (const name of ['hostNetwork', 'hostPID', 'hostIPC']) if (spec[name] === true) faults.push(`${name} is set`);
  for (const [name, value] of Object.entries(annotations)) {
    if (APP_ARMOR.test(name) && value !== 'runtime/default' && !String(value).startsWith('localhost/'))
      faults.push(`annotation ${name}: ${String(value)}`);
  }
  for (const sysctl of list(pod['sysctls'])) {
    if (!SAFE_SYSCTLS.has(String(sysctl['name']))) faults.push(`sysctl ${String(sysctl['name'])}`);
  }
  for (const { name, ...source } of list(spec['volumes'])) {
    for (const kind of Object.keys(source)) if (!VOLUMES.has(kind)) faults.push(`volume ${String(name)}: ${kind}`);
  }
  faults.push(...contextFaults('pod', pod));
  for (const kind of ['initContainers', 'containers', 'ephemeralContainers']) {
    for (const container of list(spec[kind])) faults.push(...containerFaults(container, pod));
  }
  return faults;
}

/** What a pod's and a container's security context must not say alike. */
function contextFaults(where: string, context: Fields): readonly string[] {
  const faults: string[] = [];
  if (fields(context['windowsOptions'])['hostProcess'] === true) faults.push(`${where}: hostProcess`);
  const appArmor = fields(context['appArmorProfile'])['type'];
  if (appArmor !== undefined && appArmor !== 'RuntimeDefault' && appArmor !== 'Localhost')
    faults.push(`${where}: AppArmor ${String(appArmor)}`);
  const { type = '', user = '', role = '' } = fields(context['seLinuxOptions']) as { type?: string; user?: string; role?: string };
  if (!SELINUX_TYPES.has(type)) faults.push(`${where}: SELinux type ${type}`);
  if (user !== '' || role !== '') faults.push(`${where}: SELinux user or role`);
  const seccomp = fields(context['seccompProfile'])['type'];
  if (seccomp !== undefined && !seccompIsSafe(seccomp)) faults.push(`${where}: seccomp ${String(seccomp)}`);
  if (context['runAsUser'] === 0) faults.push(`${where}: runAsUser 0`);
  if (context['runAsNonRoot'] === false) faults.push(`${where}: runAsNonRoot false`);
  return faults;
}

function containerFaults(container: Fields, pod: Fields): readonly string[] {
  const where = `container ${String(container['name'])}`;
  const context = fields(container['securityContext']);
  const faults = [...contextFaults(where, context)];
  if (context['privileged'] === true) faults.push(`${where}: privileged`);
  if (context['allowPrivilegeEscalation'] !== false) faults.push(`${where}: allowPrivilegeEscalation is not false`);
  if (context['procMount'] !== undefined && context['procMount'] !== 'Default')
    faults.push(`${where}: procMount ${String(context['procMount'])}`);
  if ((context['runAsNonRoot'] ?? pod['runAsNonRoot']) !== true) faults.push(`${where}: runAsNonRoot is not true`);
  const seccomp = fields(context['seccompProfile'])['type'] ?? fields(pod['seccompProfile'])['type'];
  if (!seccompIsSafe(seccomp)) faults.push(`${where}: no seccomp profile`);
  const { drop, add } = fields(context['capabilities']);
  if (!Array.isArray(drop) || !drop.includes('ALL')) faults.push(`${where}: does not drop ALL capabilities`);
  for (const capability of Array.isArray(add) ? (add as readonly unknown[]) : []) {
    if (capability !== 'NET_BIND_SERVICE') faults.push(`${where}: capability ${String(capability)}`);
  }
  for (const port of list(container['ports'])) {
    if (port['hostPort'] !== undefined && port['hostPort'] !== 0) faults.push(`${where}: hostPort ${String(port['hostPort'])}`);
  }
  const lifecycle = fields(container['lifecycle']);
  const handlers = [
    container['livenessProbe'],
    container['readinessProbe'],
    container['startupProbe'],
    lifecycle['postStart'],
    lifecycle['preStop'],
  ];
  for (const handler of handlers) {
    for (const kind of ['httpGet', 'tcpSocket']) {
      const host = fields(fields(handler)[kind])['host'];
      if (host !== undefined && host !== '') faults.push(`${where}: ${kind} of host ${String(host)}`);
    }
  }
  return faults;
}

function seccompIsSafe(type: unknown): boolean {
  return type === 'RuntimeDefault' || type === 'Localhost';
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? (value as readonly Fields[]) : [];
}
