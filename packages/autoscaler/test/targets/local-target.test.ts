import { silentLogger } from '@celeriac/brokers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LocalTarget } from '../../src/targets/local/local-target.ts';
import { startOrphanGuard } from '../../src/targets/local/orphan-guard.ts';

/** Takes signals as a worker does, but is too busy to take the first one when it comes. */
const BUSY = `
let firstMs;
process.on('SIGTERM', () => {
  firstMs ??= performance.now();
  if (performance.now() - firstMs > 1_000) process.exit(70);
});
setInterval(() => {}, 60_000);
console.log('busy');
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
`;

describe('a local target that is closed in a hurry', () => {
  it('tells a replica until it has understood', { timeout: 90_000 }, async () => {
    const busy = Promise.withResolvers<void>();
    const guard = startOrphanGuard(busy.reject);
    onTestFinished(() => guard.close());
    const target = new LocalTarget({
      pool: 'p',
      queues: ['q'],
      slotsPerReplica: null,
      command: [process.execPath, '--eval', BUSY],
      output: () => busy.resolve(),
      startTimeoutMs: 60_000,
      logger: silentLogger,
      now: Date.now,
      guard,
      isTaken: () => false,
    });
    await target.grow(0, 1);
    onTestFinished(() => {
      const { replicas } = target.look(0);
      for (const { pid } of replicas.kind === 'reading' ? replicas.value : []) if (pid !== null) process.kill(pid, 'SIGKILL');
    });
    await busy.promise;
    expect(await target.close({ timeoutMs: 30_000, hurry: AbortSignal.abort() })).toEqual([]);
  });
});
