/** Jobs per second through the pool alone: no broker, no results. `node --conditions=@celeriac/source bench/pool.ts [children] [seconds]`. */
import { fileURLToPath } from 'node:url';
import { decodeEnvelope, encodeTask } from '@celeriac/protocol';
import type { Job } from '../packages/worker/src/pool/pool.ts';
import { createPreforkPool } from '../packages/worker/src/pool/prefork/prefork-pool.ts';

const children = Number(process.argv[2] ?? 2);
const seconds = Number(process.argv[3] ?? 3);
const message = encodeTask({ name: 'tasks.add', args: [1, 2], kwargs: {}, taskId: '3c2d1f3e-8f6a-4c0a-9d5e-1f2a3b4c5d6e' });
const decoded = decodeEnvelope(message, { exchange: '', routingKey: 'celery', priority: 0, redelivered: false });
if (decoded.kind !== 'request') throw new Error(decoded.refusal.reason);
const { request } = decoded;

let ended = 0;
let failed = 0;
const fill = (): void => {
  for (let room = pool.room(true); room > 0; room -= 1) {
    const job: Job = { request, softLimitMs: null, hardLimitMs: null, fresh: false, pipelined: true };
    if (!pool.submit(job)) return;
  }
};
const bootedMs = performance.now();
const pool = createPreforkPool({
  modules: [fileURLToPath(new URL('./pool-tasks.ts', import.meta.url))],
  slots: children,
  env: process.env,
  events: {
    onStarted() {},
    onOutcome(_job, outcome) {
      ended += 1;
      if (outcome.kind !== 'succeeded') failed += 1;
    },
    onRoom: () => fill(),
    onLog: ({ text }) => console.error(text),
    onCall: () => Promise.reject(new Error('no calls')),
  },
});
await pool.start();
const bootMs = performance.now() - bootedMs;
const measure = async (forMs: number): Promise<{ perSecond: number; parentUs: number }> => {
  const before = { ended, cpu: process.cpuUsage(), at: performance.now() };
  await new Promise((resolve) => setTimeout(resolve, forMs));
  const cpu = process.cpuUsage(before.cpu);
  const count = ended - before.ended;
  return { perSecond: (count / (performance.now() - before.at)) * 1_000, parentUs: (cpu.user + cpu.system) / count };
};
fill();
await measure(500);
const { perSecond, parentUs } = await measure(seconds * 1_000);
console.log(
  JSON.stringify({
    children,
    jobsPerSecond: Math.round(perSecond),
    parentUsPerJob: Number(parentUs.toFixed(2)),
    failed,
    bootMs: Math.round(bootMs),
  }),
);
await pool.close(AbortSignal.abort());
