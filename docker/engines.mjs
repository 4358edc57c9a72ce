// What docker, podman and buildah each need to build a target of docker/Dockerfile reproducibly, and to write it to a file.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/** The engine of that name, or the first that works: docker's needs its daemon. */
export function chooseEngine(name, env) {
  const works = {
    docker: () => runs('docker', ['version']) && runs('docker', ['buildx', 'version']),
    podman: () => runs('podman', ['version']),
    buildah: () => runs('buildah', ['version']),
  };
  const make = { docker, podman, buildah: () => buildah(env) };
  if (name !== undefined && make[name] === undefined) throw new Error(`no engine ${name}; there are ${Object.keys(make).join(', ')}`);
  const chosen = name ?? Object.keys(works).find((one) => works[one]());
  if (chosen === undefined) throw new Error('none of docker (with buildx), podman and buildah works here');
  return make[chosen]();
}

function docker() {
  return {
    load: (archives) => {
      for (const file of archives) run('docker', ['load', '--quiet', '--input', file]);
    },
    build: ({ context, target, name, args, offline }) =>
      run('docker', [
        'buildx',
        'build',
        ...common(context, target, name, args),
        // what else a registry would be told would change with every build
        '--provenance=false',
        // not with rewrite-timestamp: containerd's image store refuses that together with unpacking (docker/cli#5256)
        '--load',
        ...(offline ? ['--pull=false'] : []),
        context,
      ]),
    save: (name, file) => run('docker', ['save', '--output', file, name]),
    close: () => {},
  };
}

function podman() {
  return {
    load: (archives) => {
      for (const file of archives) run('podman', ['load', '--quiet', '--input', file]);
    },
    build: ({ context, target, name, args, epoch, offline }) =>
      run('podman', ['build', ...common(context, target, name, args), ...steady(epoch, offline), context]),
    save: (name, file) => {
      rmSync(file, { force: true });
      run('podman', ['save', '--quiet', '--format', 'docker-archive', '--output', file, name]);
    },
    close: () => {},
  };
}

/** Without a daemon, a user namespace or a registry: as root, with a store of its own. RUN steps share the machine's network and certificates. */
function buildah(env) {
  const store = env.IMAGE_STORE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'celeriac-images');
  const own = mkdtempSync(join(tmpdir(), 'celeriac-buildah-'));
  const policy = join(own, 'policy.json');
  writeFileSync(policy, '{"default": [{"type": "insecureAcceptAnything"}]}');
  mkdirSync(store, { recursive: true });
  const call = (...args) =>
    run('buildah', ['--root', join(store, 'root'), '--runroot', join(store, 'run'), '--storage-driver', 'overlay', ...args]);
  return {
    load: (archives) => {
      for (const file of archives) call('pull', '--quiet', '--signature-policy', policy, `docker-archive:${file}`);
    },
    build: ({ context, target, name, args, epoch, offline }) =>
      call(
        'bud',
        '--signature-policy',
        policy,
        '--isolation',
        'chroot',
        '--network',
        'host',
        ...hostVolumes(),
        '--format',
        'docker',
        ...common(context, target, name, args),
        ...steady(epoch, offline),
        context,
      ),
    save: (name, file) => {
      rmSync(file, { force: true });
      call('push', '--quiet', '--signature-policy', policy, name, `docker-archive:${file}:${name}`);
    },
    close: () => rmSync(own, { recursive: true }),
  };
}

const common = (context, target, name, args) => [
  '--file',
  join(context, 'docker/Dockerfile'),
  '--target',
  target,
  '--tag',
  name,
  ...Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]),
];

/** podman's and buildah's: one time for every file and for the image, the targets' common stages built once. */
const steady = (epoch, offline) => ['--timestamp', epoch, '--layers', ...(offline ? ['--pull-never'] : [])];

/** A machine behind a proxy has certificates and npm settings of its own; mounted, they do not end up in the image. */
function hostVolumes() {
  const { stdout } = spawnSync('npm', ['config', 'get', 'globalconfig'], { encoding: 'utf8' });
  const npmrc = (stdout ?? '').trim();
  return [
    ...(existsSync('/etc/ssl/certs') ? ['--volume', '/etc/ssl/certs:/etc/ssl/certs:ro'] : []),
    ...(npmrc !== '' && existsSync(npmrc) ? ['--volume', `${npmrc}:/usr/local/etc/npmrc:ro`] : []),
  ];
}

function runs(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** What it prints goes to standard error: standard output is for the names of the images. */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', process.stderr, process.stderr] });
  if (error !== undefined || status !== 0) throw new Error(`${command} ${args[0]} failed: ${error?.message ?? `exit code ${status}`}`);
}
