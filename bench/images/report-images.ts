import { readable } from '../statistics.ts';
import type { ImagesFigures, LayerFigures } from './measure-images.ts';

export const IMAGES_HEADING = '## Images';

/** The part of RESULTS.md about the images; `about` says when and where it was measured. */
export function imagesMarkdown({ sizes, starts }: ImagesFigures, about: string): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
    [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
  const total = (layers: readonly LayerFigures[], of: 'mib' | 'gzipMib'): number => layers.reduce((sum, layer) => sum + layer[of], 0);
  return `${IMAGES_HEADING}

${about}
MiB of each layer, unpacked and as a registry would send it (gzip). "Node's image" is a node:24-bookworm-slim made on this machine from Debian's and
npm's packages.

${table(
  ['image', 'layer', 'MiB', 'gzip MiB'],
  sizes.flatMap(({ image, layers }) => [
    ...layers.map(({ what, mib, gzipMib }) => [image, what, readable(mib), readable(gzipMib)]),
    [image, 'total', readable(total(layers, 'mib')), readable(total(layers, 'gzipMib'))],
  ]),
)}

Pods on a real one-node cluster with the image on the node, one after another, as \`kubectl get --watch\` tells: any uid, read-only root, Redis as
broker, a readiness probe every second (so what is ready just after a look is seen a second later).

${table(
  ['image', 'pods', 'created to started, median ms', 'started to ready, median ms', 'worst ms'],
  starts.map((row) => [
    row.image,
    String(row.pods),
    readable(row.createdToStartedMs),
    readable(row.startedToReadyMs),
    readable(row.worstStartedToReadyMs),
  ]),
)}
`;
}
