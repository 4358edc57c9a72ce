// Stock Python Celery, worker and client, with the embedded broker in Redis' place.

import { createEmbeddedBroker, type EmbeddedBroker } from '@celeriac/embedded';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { basicApp, type CeleryWorker, startCeleryWorker } from '../python/celery-worker.ts';
import { runPythonJson } from '../python/script.ts';
import type { PythonPeerName } from '../python/venv.ts';

const BODY = `
app.conf.result_extended = True

@app.task(name='tasks.tsum')
def tsum(numbers):
    return sum(numbers)
`;
const HEAD = `
import json, time
from celery import chain, chord, group
from app import app, add, echo, fail, flaky, sleep, tsum

def show(value):
    print(json.dumps(value))
`;

describe.each<PythonPeerName>(['celery57', 'celery56'])('%s', (peer) => {
  let broker: EmbeddedBroker;
  let worker: CeleryWorker;
  const python = (source: string): Promise<unknown> => runPythonJson(`${HEAD}\n${source}`, { peer, cwd: worker.dir, timeoutMs: 100_000 });

  beforeAll(async () => {
    broker = await createEmbeddedBroker();
    const url = broker.url.replace(/0$/, '');
    worker = await startCeleryWorker({ peer, app: basicApp({ broker: `${url}0`, backend: `${url}1`, body: BODY }), concurrency: 2 });
  });
  afterAll(async () => {
    await worker?.stop();
    await broker?.stop();
  });

  test('results, errors by class, retries, countdown and priority', async () => {
    const source = `
late = add.apply_async((1, 1), countdown=1)
try:
    fail.delay('boom').get(timeout=60)
    raised = None
except ValueError as error:
    raised = str(error)
show([add.delay(2, 3).get(timeout=60), raised, flaky.delay(3).get(timeout=60), late.get(timeout=60), add.apply_async((4, 4), priority=9).get(timeout=60)])`;
    expect(await python(source)).toEqual([5, 'boom', 3, 2, 8]);
  });

  test('a group of 200, a chain, and chords one after another', async () => {
    const source = `
parts = group(add.s(i, i) for i in range(200))().get(timeout=60)
chained = chain(add.s(1, 2), add.s(3), echo.s())().get(timeout=60)
chords = [chord([add.s(i, n) for i in range(8)])(tsum.s()).get(timeout=60) for n in range(10)]
show([parts == [2 * i for i in range(200)], chained, chords == [28 + 8 * n for n in range(10)]])`;
    expect(await python(source)).toEqual([true, 6, true]);
  });

  test('a megabyte there and back', async () => {
    expect(await python("value = 'x' * 1000000\nshow(echo.delay(value).get(timeout=60) == value)")).toBe(true);
  });

  test('status, inspect and remote control', async () => {
    // asked by name they end with its answer; the time is a bound
    const asked = ['--destination', worker.hostname, '--timeout', '60'];
    expect(await worker.celery('status', ...asked)).toContain(`${worker.hostname}: OK`);
    expect(await worker.celery('inspect', ...asked, 'registered')).toContain('tasks.add');
    const source = `
inspect = app.control.inspect(timeout=30, limit=1)
running = sleep.delay(600)
deadline = time.time() + 60
active = []
while not active and time.time() < deadline:
    active = [task['id'] for tasks in (inspect.active() or {}).values() for task in tasks]
queues = [queue['name'] for queues in (inspect.active_queues() or {}).values() for queue in queues]
app.control.revoke(running.id, terminate=True)
try:
    running.get(timeout=60)
    ended = 'SUCCESS'
except Exception as error:
    ended = type(error).__name__
added = app.control.add_consumer('extra', destination=['${worker.hostname}'], reply=True, timeout=30)
extra = add.apply_async((5, 5), queue='extra').get(timeout=60)
show([active == [running.id], queues, ended, len(added), extra, list(inspect.stats() or {})])`;
    expect(await python(source)).toEqual([true, ['celery'], 'TaskRevokedError', 1, 10, [worker.hostname]]);
  });

  test('events of a task arrive in order', async () => {
    const source = `
import threading
seen = []
def capture():
    with app.connection_for_read() as connection:
        app.events.Receiver(connection, handlers={'*': seen.append}).capture(limit=None, timeout=30, wakeup=False)
threading.Thread(target=capture, daemon=True).start()
deadline = time.time() + 60
kinds = []
while 'task-succeeded' not in kinds and time.time() < deadline:
    result = add.delay(6, 7)
    result.get(timeout=60)
    time.sleep(0.5)
    by_task = {}
    for event in list(seen):
        if event['type'].startswith('task-'):
            by_task.setdefault(event['uuid'], []).append(event['type'])
    whole = [kinds for kinds in by_task.values() if kinds[0] == 'task-received' and kinds[-1] == 'task-succeeded']
    kinds = whole[0] if whole else []
show(kinds)`;
    expect(await python(source)).toEqual(['task-received', 'task-started', 'task-succeeded']);
  });
});
