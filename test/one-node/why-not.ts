// What a one-node cluster of our own needs: the Kubernetes programs with a kubelet among them, root, cgroup v1 and some Debian packages.

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isProgram, kubernetesAssets } from '../kubernetes/assets.ts';

/** Where the scripts are that make base images and start a cluster: the optional folder beside the repository. */
export const KUBE_SCRIPTS: string = resolve(import.meta.dirname, '../../../shared/kube');
const SCRIPTS = ['one-node', 'make-images', 'build-image', 'control-plane'];
const PROGRAMS = ['kubectl', 'kube-scheduler', 'kubelet', 'kube-proxy', 'coredns', 'helm3', 'helm4'];
const CGROUP_V1 = '/sys/fs/cgroup/memory';

/** A Debian package and a file of it that is used. */
const PACKAGES: Readonly<Record<string, string>> = {
  containerd: '/usr/bin/containerd',
  runc: '/usr/sbin/runc',
  'containernetworking-plugins': '/usr/lib/cni/bridge',
  iptables: '/usr/sbin/iptables',
  iproute2: '/usr/sbin/ip',
  debootstrap: '/usr/sbin/debootstrap',
  'busybox-static': '/bin/busybox',
  buildah: '/usr/bin/buildah',
  jq: '/usr/bin/jq',
};

export interface WhyNot {
  /** Why the tests on a real cluster cannot run here; absent where they can. */
  readonly missing?: string;
  /** The machine may well be without: it is not root, has cgroup v2 alone or no Kubernetes programs. */
  readonly optional: boolean;
  /** Debian packages that would have to be installed, and nothing else would. */
  readonly packages: readonly string[];
}

/** Looks each time it is asked; the first look on a machine may unpack the programs, which takes ten seconds. Never rejects. */
export async function whyNoOneNode(): Promise<WhyNot> {
  if ((process.env['CELERIAC_E2E_KUBECONFIG'] ?? '') !== '') return whyNotElsewhere();
  const without = (missing: string): WhyNot => ({ missing, optional: true, packages: [] });
  const absent = SCRIPTS.filter((name) => !existsSync(join(KUBE_SCRIPTS, name)));
  if (absent.length > 0) {
    return without(
      `no one-node cluster on this machine (no ${absent.join(', no ')} in ${KUBE_SCRIPTS}): name one in CELERIAC_E2E_KUBECONFIG`,
    );
  }
  if (process.getuid?.() !== 0) return without('a one-node cluster needs root: or name another in CELERIAC_E2E_KUBECONFIG');
  if (!existsSync(CGROUP_V1)) {
    return without(`a one-node cluster needs cgroup v1 (no ${CGROUP_V1}): or name another in CELERIAC_E2E_KUBECONFIG`);
  }
  const assets = await kubernetesAssets();
  if ('missing' in assets) return { missing: assets.missing, optional: assets.optional, packages: [] };
  const programs = PROGRAMS.filter((name) => !isProgram(join(assets.folder, name)));
  if (programs.length > 0) return without(`a one-node cluster needs ${programs.join(', ')} in ${assets.folder}`);
  const packages = Object.entries(PACKAGES).flatMap(([name, file]) => (existsSync(file) ? [] : [name]));
  if (packages.length === 0) return { optional: false, packages };
  return { missing: `not installed: apt-get install --no-install-recommends ${packages.join(' ')}`, optional: false, packages };
}

/** A cluster that the caller names has its images already and reaches this machine somehow: both have to be said. */
function whyNotElsewhere(): WhyNot {
  const needed = ['CELERIAC_E2E_KUBECONFIG', 'CELERIAC_E2E_IMAGES', 'CELERIAC_E2E_HOST'];
  const absent = needed.filter((name) => (process.env[name] ?? '') === '');
  if (absent.length === 0) return { optional: false, packages: [] };
  return {
    missing: `CELERIAC_E2E_KUBECONFIG is set, but not ${absent.join(', ')} (see test/one-node/README.md)`,
    optional: false,
    packages: [],
  };
}
