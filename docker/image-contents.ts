// What is installed in the files of an image.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** As in CycloneDX. */
export interface Component {
  readonly 'bom-ref': string;
  readonly type: 'library' | 'application' | 'container' | 'operating-system';
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly licenses?: readonly object[];
  readonly hashes?: readonly object[];
  readonly supplier?: { readonly name: string };
  readonly evidence?: { readonly occurrences: readonly { readonly location: string }[] };
}

export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly component: Component;
}

/** The npm packages of a folder `node_modules` of the image, and of those inside them, by the place where Node finds each. */
export function installedPackages(root: string, folder: string): readonly InstalledPackage[] {
  const at = join(root, folder);
  if (!existsSync(at)) return [];
  const entries = readdirSync(at).filter((name) => !name.startsWith('.'));
  const names = entries.flatMap((name) => (name.startsWith('@') ? readdirSync(join(at, name)).map((inner) => `${name}/${inner}`) : [name]));
  return names.flatMap((name) => [
    ...describe(join(at, name), `${folder}/${name}`),
    ...installedPackages(root, `${folder}/${name}/node_modules`),
  ]);
}

function describe(folder: string, location: string): readonly InstalledPackage[] {
  if (!existsSync(join(folder, 'package.json'))) return [];
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly name: string;
    readonly version: string;
    readonly license?: string | object;
  };
  const component: Component = {
    'bom-ref': `${name}@${version}`,
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace(/^@/, '%40')}@${version}`,
    ...(typeof license === 'string' ? { licenses: [/[\s(]/.test(license) ? { expression: license } : { license: { id: license } }] } : {}),
    evidence: { occurrences: [{ location: `/${location}` }] },
  };
  return [{ name, version, component }];
}

/** The Debian packages, from dpkg's own list. */
export function debianPackages(root: string): readonly Component[] {
  const status = join(root, 'var/lib/dpkg/status');
  if (!existsSync(status)) return [];
  const release = ['etc/os-release', 'usr/lib/os-release'].map((path) => join(root, path)).find((path) => existsSync(path));
  const distribution =
    release === undefined ? '' : `&distro=debian-${/^VERSION_ID="?(\d+)/m.exec(readFileSync(release, 'utf8'))?.[1] ?? ''}`;
  return readFileSync(status, 'utf8')
    .split('\n\n')
    .map((paragraph) => new Map([...paragraph.matchAll(/^([A-Z][\w-]*): (.*)$/gm)].map(([, key = '', value = '']) => [key, value])))
    .filter((fields) => fields.get('Status')?.endsWith(' installed') === true)
    .map((fields) => {
      const [name, version, architecture] = ['Package', 'Version', 'Architecture'].map((key) => fields.get(key) ?? '');
      return {
        'bom-ref': `deb:${name}@${version}`,
        type: 'library',
        name: name ?? '',
        version: version ?? '',
        purl: `pkg:deb/debian/${name}@${encodeURIComponent(version ?? '')}?arch=${architecture}${distribution}`,
        supplier: { name: fields.get('Maintainer') ?? 'Debian' },
      };
    });
}

/** The version of /usr/local/bin/node, which has the address of its own sources in it. */
export function nodeVersion(root: string): string | undefined {
  const node = join(root, 'usr/local/bin/node');
  if (!existsSync(node)) return undefined;
  return /nodejs\.org\/download\/release\/v(\d+\.\d+\.\d+)\//.exec(readFileSync(node).toString('latin1'))?.[1];
}
