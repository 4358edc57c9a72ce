// Builds the images of docker/Dockerfile with docker, podman or buildah, whichever works here: `node docker/build.mjs --help`.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseEngine } from './engines.mjs';

const HELP = `node docker/build.mjs [TARGET]... [OPTION]...

Builds the targets (default: worker autoscaler) of docker/Dockerfile.

  --name NAME       the images' names; {target} and {version} are filled in (default: celeriac/{target}:{version})
  --version TEXT    default: the version of packages/cli
  --out DIR         also writes each image to DIR/celeriac-TARGET.tar (a docker-archive: docker load, podman load, ctr images import)
  --ref REVISION    builds what git has at that revision, not the files as they are now
  --engine NAME     docker, podman or buildah (default: the first of these that works)
  --base FILE       a docker-archive with the base image, for a machine without a registry; pulls nothing then. May be repeated
  --node-image REF  default: what the Dockerfile says
  --node-digest D   sha256:... of the base, which then cannot change
  --source URL      org.opencontainers.image.source

Environment: SOURCE_DATE_EPOCH is the time of every file in the image; by default it is always the same, so that a layer in which nothing
changed keeps its digest. IMAGE_STORE is buildah's folder (default: ~/.cache/celeriac-images).
`;

const ROOT = resolve(import.meta.dirname, '..');
/** 2026-01-01T00:00:00Z */
const FILES_TIME = '1767225600';
const TARGETS = ['worker', 'autoscaler', 'dev'];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: 'string', default: 'celeriac/{target}:{version}' },
    version: { type: 'string' },
    out: { type: 'string' },
    ref: { type: 'string' },
    engine: { type: 'string' },
    base: { type: 'string', multiple: true, default: [] },
    'node-image': { type: 'string' },
    'node-digest': { type: 'string', default: '' },
    source: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(HELP);
else build();

function build() {
  const targets = positionals.length === 0 ? ['worker', 'autoscaler'] : positionals;
  const unknown = targets.filter((target) => !TARGETS.includes(target));
  if (unknown.length > 0) throw new Error(`no target ${unknown.join(', ')}; there are ${TARGETS.join(', ')}`);
  const revision = git('rev-parse', `${values.ref ?? 'HEAD'}^{commit}`);
  if (values.ref !== undefined && revision === undefined) throw new Error(`git knows no revision ${values.ref}`);
  const committed = revision === undefined ? undefined : git('log', '-1', '--format=%cI', revision);
  const modified = values.ref === undefined && git('status', '--porcelain') !== '';
  const epoch = process.env.SOURCE_DATE_EPOCH ?? FILES_TIME;
  const version = values.version ?? JSON.parse(readFileSync(join(ROOT, 'packages/cli/package.json'), 'utf8')).version;
  const engine = chooseEngine(values.engine, process.env);
  const context = values.ref === undefined ? ROOT : checkOut(revision);
  const args = {
    VERSION: version,
    REVISION: revision === undefined || !modified ? (revision ?? '') : `${revision}-modified`,
    CREATED: committed ?? new Date(Number(epoch) * 1000).toISOString(),
    SOURCE: values.source,
    SOURCE_DATE_EPOCH: epoch,
    ...(values['node-image'] === undefined ? {} : { NODE_IMAGE: values['node-image'] }),
    NODE_DIGEST: values['node-digest'],
  };
  try {
    engine.load(values.base);
    for (const target of targets) {
      const name = values.name.replaceAll('{target}', target).replaceAll('{version}', version);
      engine.build({ context, target, name, args, epoch, offline: values.base.length > 0 });
      if (values.out !== undefined) {
        mkdirSync(values.out, { recursive: true });
        engine.save(name, join(resolve(values.out), `celeriac-${target}.tar`));
      }
      process.stdout.write(`${name}\n`);
    }
  } finally {
    engine.close();
    if (context !== ROOT) rmSync(context, { recursive: true });
  }
}

/** What git says, or undefined outside of a checkout. */
function git(...args) {
  const { status, stdout } = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** The files of a revision in a folder of their own. */
function checkOut(ref) {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-image-'));
  const archive = spawnSync('git', ['archive', '--format=tar', ref], { cwd: ROOT, maxBuffer: 1 << 30 });
  const unpacked = spawnSync('tar', ['-x', '-C', folder], { input: archive.stdout });
  if (archive.status !== 0 || unpacked.status !== 0)
    throw new Error(`git archive ${ref}: ${String(archive.stderr)}${String(unpacked.stderr)}`);
  return folder;
}
