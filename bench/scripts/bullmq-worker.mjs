import { Worker } from 'bullmq';

const worker = new Worker('bench', new URL('./bullmq-processor.mjs', import.meta.url), {
  connection: { host: '127.0.0.1', port: Number(process.env.BENCH_PORT), maxRetriesPerRequest: null },
  concurrency: 2,
});
worker.on('error', (error) => console.error(error.message));
await worker.waitUntilReady();
console.log('ready');
