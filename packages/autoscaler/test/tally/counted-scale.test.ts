import { expect, it } from 'vitest';
import { kubeError } from '../../src/kubernetes/failure.ts';
import type { ScaleSeen, ScaleWriter } from '../../src/kubernetes/scale-writer.ts';
import { countedScale } from '../../src/tally/counted-scale.ts';
import { createTally, WRITE_RESULTS } from '../../src/tally/tally.ts';

const seen: ScaleSeen = { uid: 'u', replicas: 1, statusReplicas: 1, resourceVersion: '7' };
const failure = (status: number | null, reason: string): Error =>
  kubeError('no', { status, reason, retryAfterMs: null, outcomeUnknown: false });

it('counts how writes of the replicas end, and hands on what they say', async () => {
  const outcomes: (() => ReturnType<ScaleWriter['moveScale']>)[] = [
    () => Promise.resolve({ kind: 'written', resourceVersion: '8', confirmed: 'answer' }),
    () => Promise.resolve({ kind: 'conflict', seen }),
    () => Promise.reject(failure(403, 'Forbidden')),
    () => Promise.reject(failure(null, 'MayNotWrite')),
    () => Promise.reject(failure(503, 'ServiceUnavailable')),
    () => Promise.reject(new Error('no such thing')),
  ];
  const next = (): ReturnType<ScaleWriter['moveScale']> => outcomes.shift()?.() ?? Promise.reject(new Error('too many'));
  const tally = createTally();
  const scale = countedScale({ readScale: () => Promise.resolve(seen), writeScale: next, moveScale: next }, tally.of('default'));
  const target = { namespace: 'n', name: 'd', from: 1, to: 2, mayWrite: () => true };
  expect(await scale.moveScale(target)).toMatchObject({ kind: 'written' });
  expect(await scale.writeScale({ ...target, replicas: 2, resourceVersion: '7' })).toMatchObject({ kind: 'conflict' });
  for (let left = outcomes.length; left > 0; left -= 1) await expect(scale.moveScale(target)).rejects.toThrow();
  expect(await scale.readScale('n', 'd')).toBe(seen);
  expect(WRITE_RESULTS.map((result) => tally.of('default').count('scale_writes', result))).toEqual([1, 1, 2, 2]);
});
