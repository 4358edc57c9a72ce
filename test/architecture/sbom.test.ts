// What docker/sbom.ts prints, of an image made here from a few real packages; test/one-node/images.test.ts asks it of a built one.

import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { openImage } from '../../docker/image-archive.ts';
import type { Bom } from '../../docker/sbom.ts';
import { ROOT } from './source-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'celeriac-sbom-'));
afterAll(() => rmSync(folder, { recursive: true }));

const STATUS = `Package: tini
Status: install ok installed
Maintainer: Someone <someone@debian.org>
Architecture: amd64
Version: 1:0.19.0-1+b3
Depends: libc6

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
`;

function tar(args: readonly string[]): void {
  const { status, stderr } = spawnSync('tar', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** A docker-archive; each layer is a map from path to content, null for a folder copied from the repository. */
function image(name: string, layers: readonly Readonly<Record<string, string | null>>[]): string {
  const work = mkdtempSync(join(folder, `${name}-`));
  const digests = layers.map((files, index) => {
    const layer = join(work, `layer-${index}`);
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(layer, path)), { recursive: true });
      if (content === null) cpSync(join(ROOT, path), join(layer, path), { recursive: true });
      else writeFileSync(join(layer, path), content);
    }
    tar(['-c', '-f', `${layer}.tar`, '-C', layer, '.']);
    return `sha256:${createHash('sha256')
      .update(readFileSync(`${layer}.tar`))
      .digest('hex')}`;
  });
  const config = {
    created: '2026-01-01T00:00:00Z',
    architecture: 'amd64',
    config: { Labels: { 'org.opencontainers.image.version': '1.2.3' } },
    rootfs: { diff_ids: digests },
  };
  const text = JSON.stringify(config);
  const digest = createHash('sha256').update(text).digest('hex');
  writeFileSync(join(work, `${digest}.json`), text);
  const names = layers.map((_layer, index) => `layer-${index}.tar`);
  writeFileSync(
    join(work, 'manifest.json'),
    JSON.stringify([{ Config: `${digest}.json`, RepoTags: ['registry:5000/a/worker:1'], Layers: names }]),
  );
  const archive = join(folder, `${name}.tar`);
  tar(['-c', '-f', archive, '-C', work, 'manifest.json', `${digest}.json`, ...names]);
  return archive;
}

async function sbom(archive: string): Promise<{ readonly text: string; readonly bom: Bom }> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, 'docker/sbom.ts'), archive], { maxBuffer: 16 << 20 });
  return { text: stdout, bom: JSON.parse(stdout) as Bom };
}

const archive = image('small', [
  {
    'var/lib/dpkg/status': STATUS,
    'etc/os-release': 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\n',
    'usr/local/lib/node_modules/npm/package.json': JSON.stringify({ name: 'npm', version: '11.0.0', license: 'Artistic-2.0' }),
    'node_modules/croner/package.json': JSON.stringify({ name: 'croner', version: '0.0.1' }),
    'usr/local/bin/node': '\0\0https://nodejs.org/download/release/v24.1.2/node-v24.1.2.tar.gz\0',
  },
  { 'node_modules/.wh.croner': '', 'node_modules/prom-client': null, 'node_modules/tdigest': null, 'node_modules/bintrees': null },
]);

const printed = sbom(archive);

describe('docker/sbom.ts', () => {
  it("lists npm's, Debian's and Node's parts of an image", async () => {
    const { bom } = await printed;
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5', version: 1 });
    expect(bom.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(bom.metadata.component).toMatchObject({ type: 'container', name: 'registry:5000/a/worker', version: '1.2.3' });
    expect(bom.components.map(({ purl }) => purl)).toEqual([
      'pkg:npm/bintrees@1.0.2',
      'pkg:deb/debian/tini@1%3A0.19.0-1%2Bb3?arch=amd64&distro=debian-12',
      'pkg:generic/node@24.1.2',
      'pkg:npm/npm@11.0.0',
      'pkg:npm/prom-client@15.1.3',
      'pkg:npm/tdigest@0.1.3',
    ]);
  });

  it('takes licences, hashes and dependencies from the lock', async () => {
    const { bom } = await printed;
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      readonly packages: Readonly<Record<string, { readonly integrity: string }>>;
    };
    const integrity = lock.packages['node_modules/tdigest']?.integrity.replace(/^sha512-/, '') ?? '';
    const [tdigest] = bom.components.filter(({ name }) => name === 'tdigest');
    expect(tdigest?.hashes).toEqual([{ alg: 'SHA-512', content: Buffer.from(integrity, 'base64').toString('hex') }]);
    expect(tdigest?.licenses).toEqual([{ license: { id: 'MIT' } }]);
    expect(tdigest?.evidence).toEqual({ occurrences: [{ location: '/node_modules/tdigest' }] });
    expect(bom.dependencies).toContainEqual({ ref: 'tdigest@0.1.3', dependsOn: ['bintrees@1.0.2'] });
    // what the image does not have is not spoken of
    expect(bom.dependencies).toContainEqual({ ref: 'prom-client@15.1.3', dependsOn: ['tdigest@0.1.3'] });
  });

  it('says the same of the same image', async () => {
    expect((await sbom(archive)).text).toBe((await printed).text);
  });

  it('refuses an image with a package that the lock does not know', async () => {
    const stranger = image('stranger', [{ 'node_modules/zod/package.json': JSON.stringify({ name: 'zod', version: '1.0.0' }) }]);
    await expect(sbom(stranger)).rejects.toThrow('not in package-lock.json: zod@1.0.0');
  });

  it('says how it is used', async () => {
    await expect(sbom(join(folder, 'nothing.tar'))).rejects.toThrow('usage: node docker/sbom.ts IMAGE.tar');
  });
});

it('openImage tells the layers of an archive', () => {
  using opened = openImage(archive);
  expect(opened.layers.map(({ digest }) => digest)).toEqual([
    expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
  ]);
  expect(opened.layers.every(({ bytes }) => bytes > 1_000)).toBe(true);
  expect(() => openImage(join(folder, 'nothing.tar'))).toThrow('tar -x -f');
});
