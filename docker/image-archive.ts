import { spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** An image in a docker-archive: what `docker save`, `podman save` and docker/build.mjs write. */
export interface ImageArchive {
  /** The first name it was saved with. */
  readonly name: string;
  /** `sha256:...` of its configuration, which stands for the whole image. */
  readonly digest: string;
  /** The time that the image says it was made, as ISO 8601. */
  readonly created: string;
  readonly architecture: string;
  readonly labels: Readonly<Record<string, string>>;
  /** From the base up. */
  readonly layers: readonly ImageLayer[];
}

export interface ImageLayer {
  readonly digest: string;
  /** Of the uncompressed layer, in bytes. */
  readonly bytes: number;
  /** The layer as a tar, while the archive is open. */
  readonly file: string;
}

interface Configuration {
  readonly created: string;
  readonly architecture: string;
  readonly config: { readonly Labels?: Readonly<Record<string, string>> };
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

type Manifest = readonly [{ readonly Config: string; readonly RepoTags?: readonly string[]; readonly Layers: readonly string[] }];

/** A docker-archive, opened in a folder of its own until it is disposed of. Needs the program tar. */
export interface OpenImage extends ImageArchive {
  /** Puts the files below these paths (without a leading slash), as a container would see them, into a folder and returns that. */
  extract(...paths: readonly string[]): string;
  [Symbol.dispose](): void;
}

/**
 * Opens a docker-archive.
 * @throws Error where it is none
 */
export function openImage(file: string): OpenImage {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-archive-'));
  try {
    tar(['-x', '-f', file, '-C', folder]);
    const [manifest] = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest;
    const config = JSON.parse(readFileSync(join(folder, manifest.Config), 'utf8')) as Configuration;
    return {
      name: manifest.RepoTags?.[0] ?? '',
      digest: `sha256:${basename(manifest.Config, '.json').replace(/^sha256:/, '')}`,
      created: config.created,
      architecture: config.architecture,
      labels: config.config.Labels ?? {},
      layers: manifest.Layers.map((path, index) => ({
        digest: config.rootfs.diff_ids[index] ?? '',
        bytes: lstatSync(join(folder, path)).size,
        file: join(folder, path),
      })),
      extract: (...paths) => {
        const root = mkdtempSync(join(folder, 'root-'));
        for (const layer of manifest.Layers) apply(join(folder, layer), root, paths);
        return root;
      },
      [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** One layer over what is there; a file `.wh.NAME` takes away NAME of the layers below. */
function apply(layer: string, root: string, paths: readonly string[]): void {
  const wanted = paths.flatMap((path) => [path, `./${path}`, `${path}/*`, `./${path}/*`]);
  const removed = paths.map((path) => `*${dirname(path) === '.' ? '' : `${dirname(path)}/`}.wh.*`);
  // devices and owners are of no use to a reader
  const options = ['--wildcards', '--no-same-owner', '--no-same-permissions', '--ignore-command-error'];
  // tar fails where a pattern finds nothing, which is no failure here
  spawnSync('tar', ['-x', '-f', layer, '-C', root, ...options, ...wanted, ...removed], { stdio: 'ignore' });
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!basename(name).startsWith('.wh.')) continue;
    rmSync(join(root, dirname(name), basename(name).slice('.wh.'.length)), { recursive: true, force: true });
    rmSync(join(root, name), { force: true });
  }
}

function tar(args: readonly string[]): void {
  const { status, stderr, error } = spawnSync('tar', args, { encoding: 'utf8' });
  if (error !== undefined || status !== 0) throw new Error(`tar ${args.join(' ')}: ${error?.message ?? stderr.trim()}`);
}
