// Sends tasks to the pools of pools.yaml by what they need, and shows what happens to one that fits nowhere.
//   CELERY_BROKER_URL=redis://127.0.0.1:6379/0 CELERY_RESULT_BACKEND=redis://127.0.0.1:6379/1 node examples/resources/send.ts

import { readFile } from 'node:fs/promises';
import { poolListOf, readPools } from '@celeriac/autoscaler';
import { Celery, isCeleriacError } from '@celeriac/producer';
import { album, thumbnail, transcode } from './contracts.ts';

const file = new URL('./pools.yaml', import.meta.url);
const app = new Celery({
  broker: process.env['CELERY_BROKER_URL'] ?? 'redis://127.0.0.1:6379/0',
  backend: process.env['CELERY_RESULT_BACKEND'] ?? 'redis://127.0.0.1:6379/1',
  pools: poolListOf(await readPools(await readFile(file, 'utf8'), 'pools.yaml')),
});
const tasks = app.tasks({ album, thumbnail, transcode });

const sent = [
  await tasks.thumbnail.delay('a.png'),
  await tasks.thumbnail.applyAsync({ args: ['huge.png'], resources: { memory: '2Gi' } }), // this one is larger than most
  await tasks.transcode.delay('b.mp4'),
  await tasks.album.delay(['c.mp4', 'd.mp4']),
];
for (const result of sent) console.log(await result.get({ timeoutMs: 60_000 }));

try {
  await tasks.transcode.applyAsync({ args: ['film.mov'], resources: { memory: '16Gi', gpu: 1 } });
} catch (error) {
  if (!isCeleriacError(error, 'CELERIAC_E_NO_POOL_FITS')) throw error;
  console.log(error.message);
}
await app.close();
