// Tasks in an image of one's own: the packages are in the image below, so there is nothing to install. docs/guide/images.md tells how
// dependencies are added.

import { createHash } from 'node:crypto';
import { contract, defineTask } from '@celeriac/worker';

export const digest = defineTask(contract<(text: string) => string>('example.digest', { params: ['text'] }), (_ctx, text) =>
  createHash('sha256').update(text).digest('hex'),
);
