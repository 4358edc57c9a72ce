// Names, types and needs of the tasks in tasks.ts: what a producer has to know to send each to a pool that can run it.

import { contract } from '@celeriac/protocol';

export const thumbnail = contract<(path: string) => string>('media.thumbnail', {
  params: ['path'],
  resources: { cpu: '250m', memory: '256Mi' },
});

export const transcode = contract<(path: string) => string>('media.transcode', {
  params: ['path'],
  resources: { cpu: 2, memory: '4Gi' },
});

export const album = contract<(paths: readonly string[]) => string>('media.album', { params: ['paths'] });
