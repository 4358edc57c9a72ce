import { expect, it } from 'vitest';
import { createMemoryBackend } from '../src/backends/memory.ts';

let count = 0;
const url = (): string => `memory://results-${++count}`;
const meta = (status: string, result: unknown = null): string => JSON.stringify({ status, result, traceback: null, children: [] });

it('shares results by name and never overwrites a success', async () => {
  const shared = url();
  const [worker, caller] = [createMemoryBackend({ url: shared }), createMemoryBackend({ url: shared })];
  expect(await worker.store({ taskId: 'a', status: 'STARTED', metaJson: meta('STARTED') })).toBe(true);
  expect((await caller.fetch('a'))?.status).toBe('STARTED');
  expect(await worker.store({ taskId: 'a', status: 'SUCCESS', metaJson: meta('SUCCESS', 5) })).toBe(true);
  expect(await worker.store({ taskId: 'a', status: 'FAILURE', metaJson: meta('FAILURE') })).toBe(false);
  expect(await caller.fetch('a')).toMatchObject({ status: 'SUCCESS', result: 5 });
  expect(await createMemoryBackend({ url: url() }).fetch('a')).toBeUndefined();
  await caller.forget('a');
  expect(await caller.fetch('a')).toBeUndefined();
});

it('watches for the first final state, and stops when told', async () => {
  const backend = createMemoryBackend({ url: url() });
  const seen = backend.watch('a', new AbortController().signal);
  await backend.store({ taskId: 'a', status: 'RETRY', metaJson: meta('RETRY') });
  await backend.store({
    taskId: 'a',
    status: 'FAILURE',
    metaJson: meta('FAILURE', { exc_type: 'ValueError', exc_message: [], exc_module: 'builtins' }),
  });
  expect((await seen).status).toBe('FAILURE');
  expect((await backend.watch('a', new AbortController().signal)).status).toBe('FAILURE');

  const stop = new AbortController();
  const stopped = backend.watch('b', stop.signal);
  stop.abort(new Error('enough'));
  await expect(stopped).rejects.toThrow('enough');
  const waiting = backend.watch('b', new AbortController().signal);
  await backend.close();
  await expect(waiting).rejects.toMatchObject({ code: 'CELERIAC_E_CLOSED' });
  await expect(backend.fetch('a')).rejects.toMatchObject({ code: 'CELERIAC_E_CLOSED' });
});

it('counts starts by task', async () => {
  const backend = createMemoryBackend({ url: url() });
  expect([await backend.countStart('a'), await backend.countStart('a'), await backend.countStart('b')]).toEqual([1, 2, 1]);
  await backend.forgetStarts('a');
  expect([await backend.countStart('a'), await backend.countStart('b')]).toEqual([1, 2]);
});
