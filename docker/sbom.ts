// node docker/sbom.ts IMAGE.tar: prints the bill of materials of an image (CycloneDX 1.5, JSON), made from what is really in it: Debian's
// packages, Node, and every npm package by its folder. What the lock knows of them (licence, hash, dependencies) is from `npm sbom`.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { openImage } from './image-archive.ts';
import { type Component, debianPackages, installedPackages, nodeVersion } from './image-contents.ts';
import { lockedPackages } from './locked-packages.ts';

export interface Bom {
  readonly bomFormat: 'CycloneDX';
  readonly specVersion: '1.5';
  readonly serialNumber: string;
  readonly version: 1;
  readonly metadata: { readonly timestamp: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/**
 * The bill of materials of a docker-archive. The same image gives the same text.
 * @param root the repository, whose lock the image was built from
 * @throws Error where one of our image's packages is not in the lock: then it was built from another one
 */
export function billOfMaterials(archive: string, root: string): Bom {
  using image = openImage(archive);
  const files = image.extract(
    'var/lib/dpkg/status',
    'etc/os-release',
    'usr/lib/os-release',
    'usr/local/bin/node',
    'usr/local/lib/node_modules',
    'node_modules',
  );
  const locked = lockedPackages(root);
  const ours = installedPackages(files, 'node_modules');
  const strangers = ours.filter(({ name, version }) => !locked.has(`${name}@${version}`));
  if (strangers.length > 0) {
    throw new Error(`not in package-lock.json: ${strangers.map(({ name, version }) => `${name}@${version}`).join(', ')}`);
  }
  const components = new Map<string, Component>();
  const add = (component: Component): void => {
    const { evidence } = components.get(component['bom-ref']) ?? {};
    const occurrences = [...(evidence?.occurrences ?? []), ...(component.evidence?.occurrences ?? [])];
    components.set(component['bom-ref'], { ...component, ...(occurrences.length === 0 ? {} : { evidence: { occurrences } }) });
  };
  for (const found of ours) add({ ...found.component, ...locked.get(`${found.name}@${found.version}`)?.facts });
  // npm and what it brings along are a part of the base image
  for (const found of installedPackages(files, 'usr/local/lib/node_modules'))
    if (!components.has(found.component['bom-ref'])) add(found.component);
  for (const component of debianPackages(files)) add(component);
  const node = nodeVersion(files);
  if (node !== undefined)
    add({ 'bom-ref': `node@${node}`, type: 'application', name: 'node', version: node, purl: `pkg:generic/node@${node}` });
  const sorted = [...components.values()].toSorted((a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1));
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: serialOf(image.digest),
    version: 1,
    metadata: {
      timestamp: image.created,
      component: {
        'bom-ref': image.digest,
        type: 'container',
        name: image.name.replace(/:[^:/]*$/, ''),
        version: image.labels['org.opencontainers.image.version'] ?? '',
      },
    },
    components: sorted,
    dependencies: ours
      .map(({ name, version }) => `${name}@${version}`)
      .filter((ref, index, all) => all.indexOf(ref) === index)
      .toSorted()
      .map((ref) => ({ ref, dependsOn: (locked.get(ref)?.dependsOn ?? []).filter((one) => components.has(one)) })),
  };
}

/** A UUID (version 8: of one's own making) from the image's digest. */
function serialOf(digest: string): string {
  const hex = digest.replace(/^sha256:/, '');
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

if (process.argv[1] === import.meta.filename) {
  const [archive] = process.argv.slice(2);
  if (archive === undefined || !existsSync(archive)) {
    process.stderr.write('usage: node docker/sbom.ts IMAGE.tar\n');
    process.exitCode = 2;
  } else process.stdout.write(`${JSON.stringify(billOfMaterials(archive, resolve(import.meta.dirname, '..')), null, 2)}\n`);
}
