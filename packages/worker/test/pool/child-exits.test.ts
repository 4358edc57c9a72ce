import { expect, test } from 'vitest';
import type { ChildExitReason } from '../../src/pool/pool.ts';
import type { PreforkOptions } from '../../src/pool/prefork/prefork-options.ts';
import { jobFor, poolRig } from './rig.ts';

/** A pool, and why its children went. */
async function countedRig(options: Partial<PreforkOptions>) {
  const exits: ChildExitReason[] = [];
  const rig = poolRig(options, { onChildExit: (reason) => void exits.push(reason) });
  await rig.pool.start();
  await rig.until(() => rig.pool.slots.free === 1);
  return { rig, exits };
}

test.each([
  ['max-tasks', { maxTasksPerChild: 1 }, jobFor('pool.add', [1, 2])],
  ['memory', { maxMemoryPerChildKib: 400 * 1_024 }, jobFor('pool.hold', [600 * 1_024 * 1_024])],
  ['age', { maxAgePerChildMs: 1 }, jobFor('pool.wait', [5])],
  ['timeout', {}, jobFor('pool.spin-forever', [], { hardLimitMs: 100 })],
  ['crash', {}, jobFor('pool.die')],
  ['fresh', {}, jobFor('pool.add', [1, 2], { fresh: true })],
] as const)('%s', async (reason, options, job) => {
  const { rig, exits } = await countedRig(options);
  try {
    await rig.run(job);
    await rig.until(() => exits.length > 0);
    expect(exits).toEqual([reason]);
  } finally {
    await rig.pool.close(AbortSignal.abort());
  }
  expect(new Set(exits.slice(1))).toEqual(new Set(['released']));
});

test('terminated, and released at the end', async () => {
  const { rig, exits } = await countedRig({});
  const job = jobFor('pool.spin-forever');
  await rig.submit(job);
  await rig.until(() => rig.started.length === 1);
  rig.pool.terminate(job.request.id, 'SIGKILL');
  await rig.until(() => exits.length > 0);
  expect(exits).toEqual(['terminated']);
  await rig.pool.close(new AbortController().signal);
  expect(exits.slice(1).every((reason) => reason === 'released')).toBe(true);
  expect(exits.length).toBeGreaterThan(1);
});
