// What can be told about the images without building one; test/one-node/images.test.ts runs them.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './source-files.ts';

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Instruction {
  readonly name: string;
  readonly text: string;
}

interface Stage {
  readonly name: string;
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

/** The stages of a Dockerfile with their instructions, each as one line. */
function stagesOf(dockerfile: string): readonly Stage[] {
  const lines = dockerfile
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: { name: string; from: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, name = '', text = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
    const [, from, alias] = name === 'FROM' ? (/^(\S+) AS (\S+)$/.exec(text) ?? []) : [];
    if (from !== undefined && alias !== undefined) stages.push({ name: alias, from, instructions: [] });
    else stages.at(-1)?.instructions.push({ name, text });
  }
  return stages;
}

const stages = stagesOf(read('docker/Dockerfile'));
const stage = (name: string): Stage => {
  const found = stages.find((one) => one.name === name);
  if (found === undefined) throw new Error(`the Dockerfile has no stage ${name}`);
  return found;
};
/** What a target is made of: its own instructions behind those of the stages it stands on. */
function whole(name: string): readonly Instruction[] {
  const { from, instructions } = stage(name);
  return stages.some((one) => one.name === from) ? [...whole(from), ...instructions] : instructions;
}
const last = (target: string, instruction: string): string | undefined => whole(target).findLast(({ name }) => name === instruction)?.text;
const TARGETS = ['worker', 'autoscaler', 'dev'];

describe('docker/Dockerfile', () => {
  it('has the targets that the documentation names', () => {
    expect(stages.map(({ name }) => name)).toEqual(['build', 'base', ...TARGETS]);
  });

  it.each(TARGETS)('%s runs as a number in group 0, which Kubernetes can tell from root', (target) => {
    expect(last(target, 'USER')).toBe('10001:0');
  });

  it.each(TARGETS)('%s starts the command under tini without a shell', (target) => {
    expect(JSON.parse(last(target, 'ENTRYPOINT') ?? '')).toEqual(['/usr/bin/tini', '--', 'celeriac']);
    expect(JSON.parse(last(target, 'CMD') ?? '')).toHaveLength(1);
  });

  it.each(TARGETS)('%s leaves health to Kubernetes, adds nothing from the network and has no volume', (target) => {
    expect(whole(target).filter(({ name }) => ['HEALTHCHECK', 'ADD', 'VOLUME', 'SHELL', 'ONBUILD', 'STOPSIGNAL'].includes(name))).toEqual(
      [],
    );
  });

  it.each(TARGETS)('%s takes from the build what runs, and nothing else', (target) => {
    const copies = whole(target).filter(({ name }) => name === 'COPY');
    expect(copies.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^--from=build \/out\/\w+\/dependencies \/$/),
      expect.stringMatching(/^--from=build \/out\/\w+\/celeriac \/$/),
    ]);
  });

  it.each(TARGETS)('%s says what it is in OCI labels', (target) => {
    const labels = whole(target)
      .filter(({ name }) => name === 'LABEL')
      .flatMap(({ text }) => [...text.matchAll(/org\.opencontainers\.image\.([\w.]+)=/g)].map(([, key = '']) => key))
      .toSorted((a, b) => (a < b ? -1 : 1));
    const expected = ['base.digest', 'base.name', 'created', 'description', 'licenses', 'revision', 'source', 'title', 'vendor', 'version'];
    expect(labels).toEqual(expected);
  });

  it('can have its base by digest, and builds without', () => {
    for (const name of ['build', 'base']) expect(stage(name).from).toMatch(/^\$\{NODE_IMAGE\}\$\{NODE_DIGEST:\+@\$\{NODE_DIGEST\}\}$/);
    expect(read('docker/Dockerfile')).toMatch(/^ARG NODE_IMAGE=docker\.io\/library\/node:24-bookworm-slim$/m);
    expect(read('docker/Dockerfile')).toMatch(/^ARG NODE_DIGEST=$/m);
  });

  it('installs the dependencies of every package before the sources change anything', () => {
    const copied = stage('build')
      .instructions.filter(({ name }) => name === 'COPY')
      .flatMap(({ text }) => /^packages\/([^/]+)\/package\.json packages\/\1\/$/.exec(text)?.[1] ?? []);
    expect(copied.toSorted()).toEqual(readdirSync(join(ROOT, 'packages')).toSorted());
  });
});

describe('.dockerignore', () => {
  it('lets in only what the Dockerfile copies', () => {
    const lines = read('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines[0]).toBe('*');
    const allowed = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    const copied = stages
      .flatMap(({ instructions }) => instructions)
      .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from'))
      .flatMap(({ text }) => text.split(' ').slice(0, -1))
      .filter((source) => !source.startsWith('packages/'));
    expect(allowed.toSorted()).toEqual([...new Set(copied)].toSorted());
    for (const left of ['**/node_modules', '**/dist', '**/test']) expect(lines).toContain(left);
  });
});
