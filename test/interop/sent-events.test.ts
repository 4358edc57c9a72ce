// Our task-sent events beside those of a Celery producer, as a Celery event receiver hears both.

import { hostname } from 'node:os';
import { Celery, type CeleryOptions } from '@celeriac/producer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PythonResponder, startPythonResponder } from '../python/script.ts';
import { until } from '../until.ts';
import { runCeleriac, startWorkerProcess } from '../worker-process.ts';
import { type BrokerRig, openBroker } from './broker-rig.ts';

const PYTHON = `
import os, threading, time
from celery import Celery
from celery.events.state import State
from kombu.utils.json import dumps, loads

app = Celery('tasks', broker=os.environ['BROKER'])
app.conf.task_send_sent_event = True
heard = {}
state = State()
ready = threading.Event()

def hear(event):
    state.event(dict(event))
    if event['type'] == 'task-sent':
        heard.setdefault(event['uuid'], []).append(dict(event))

def listen():
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={'*': hear})
        receiver.on_consume_ready = lambda *args, **kwargs: ready.set()
        receiver.capture(limit=None, timeout=None, wakeup=False)

threading.Thread(target=listen, daemon=True).start()
assert ready.wait(60), 'nobody listens'
# over Redis the subscription is sent a moment later: it stands when something is heard
until = time.monotonic() + 60
while not heard:
    assert time.monotonic() < until, 'nothing is heard'
    app.send_task('tasks.first')
    time.sleep(0.1)

def handle(request):
    if request['op'] == 'send':
        return app.send_task(request['name'], tuple(request['args']), request['kwargs'], **request['options']).id
    events = heard.get(request['id'], [])
    task = state.tasks.get(request['id'])
    client = None if task is None or task.client is None else getattr(task.client, 'hostname', task.client)
    return {'events': loads(dumps(events)), 'client': client, 'pid': os.getpid(), 'many': sum(id.startswith('many-') for id in list(heard))}
`;

interface Heard {
  readonly events: readonly Readonly<Record<string, unknown>>[];
  /** Who sent the task, as celery.events.state joins it. */
  readonly client: string | null;
  readonly pid: number;
  /** Of how many tasks whose id begins with `many-` it has heard. */
  readonly many: number;
}

/** What differs from one event to the next. */
const OWN_FIELDS = ['uuid', 'root_id', 'timestamp', 'local_received', 'clock', 'pid', 'hostname'];

for (const kind of ['redis', 'rabbitmq'] as const) {
  describe(`task-sent over ${kind}`, () => {
    let rig: BrokerRig;
    let python: PythonResponder;
    beforeAll(async () => {
      rig = await openBroker(kind);
      python = await startPythonResponder(PYTHON, { env: { BROKER: rig.broker } });
      await python.ask({ op: 'heard', id: '' });
    });
    afterAll(async () => {
      await python?.stop();
      await rig?.stop();
    });

    const heard = (id: string): Promise<Heard> =>
      until(
        async () => {
          const answer = (await python.ask({ op: 'heard', id })) as Heard;
          return answer.events.length > 0 ? answer : undefined;
        },
        { what: `task-sent of ${id}`, timeoutMs: 60_000, everyMs: 100 },
      );
    const client = (options: Partial<CeleryOptions> = {}): Celery =>
      new Celery({ broker: rig.broker, taskSendSentEvent: true, ...options });

    test('has the fields and values of a Celery producer', async () => {
      await using app = client();
      const calls = [
        { args: [2, 'three'], kwargs: {}, ours: {}, theirs: {} },
        {
          args: [],
          kwargs: { x: [1.5, null, true], y: "it's" },
          ours: { queue: 'maths', eta: new Date('2030-01-02T03:04:05.250Z'), expires: new Date('2030-01-02T04:00:00.5Z'), priority: 3 },
          theirs: { queue: 'maths', eta: '2030-01-02T03:04:05.250000+00:00', expires: '2030-01-02T04:00:00.500000+00:00', priority: 3 },
        },
        { args: ['x'.repeat(3_000)], kwargs: {}, ours: {}, theirs: {} },
      ];
      for (const { args, kwargs, ours, theirs } of calls) {
        const { id } = await app.sendTask('tasks.any', { args, kwargs, ...ours });
        const theirId = (await python.ask({ op: 'send', name: 'tasks.any', args, kwargs, options: theirs })) as string;
        const [own, other] = [await heard(id), await heard(theirId)];
        expect(own.events).toHaveLength(1);
        const [event = {}] = own.events;
        const [model = {}] = other.events;
        expect(Object.keys(event).sort()).toEqual(Object.keys(model).sort());
        expect(withoutOwn(event)).toEqual(withoutOwn(model));
        expect(event).toMatchObject({ uuid: id, root_id: id, hostname: `gen${process.pid}@${hostname()}`, pid: process.pid });
        expect(model).toMatchObject({ uuid: theirId, root_id: theirId, hostname: `gen${other.pid}@${hostname()}`, pid: other.pid });
        expect(own.client).toBe(event.hostname);
        expect(other.client).toBe(model.hostname);
      }
    });

    test('comes for each of many, also where the client closes at once', async () => {
      const app = client();
      const ids: string[] = Array.from({ length: 2_000 }, (_, n) => `many-${n}`);
      const signature = app.task<(n: number) => void>('tasks.any');
      await app.publishMany(ids.map((taskId, n) => signature.signature({ args: [n], taskId })));
      await app.close();
      for (const id of ['many-1', 'many-999', 'many-1998', 'many-1999']) expect((await heard(id)).events).toHaveLength(1);
      await until(async () => (await heard('many-0')).many === 2_000, { timeoutMs: 60_000, everyMs: 100, what: 'all events' });
    });

    test('does not come from a client that was not asked for it', async () => {
      await using silent = client({ taskSendSentEvent: false });
      await using app = client();
      const quiet = await silent.sendTask('tasks.any');
      const { id } = await app.sendTask('tasks.any');
      await heard(id);
      expect(((await python.ask({ op: 'heard', id: quiet.id })) as Heard).events).toEqual([]);
    });

    test('comes from celeriac call --sent-event', async () => {
      const call = ['call', 'tasks.any', '-b', rig.broker];
      const silent = (await runCeleriac(call)).stdout.trim();
      const { stdout, output } = await runCeleriac([...call, '--sent-event']);
      expect((await heard(stdout.trim())).events, output).toHaveLength(1);
      expect(((await python.ask({ op: 'heard', id: silent })) as Heard).events).toEqual([]);
    });

    test('comes from a worker with -E that sends a task again', async () => {
      await using _worker = await startWorkerProcess({
        ...{ tasks: 'examples/basics/tasks.ts', broker: rig.broker, backend: rig.backend },
        ...{ queues: ['again'], name: 'ours@node-host', args: ['-E'] },
      });
      await using app = client();
      const { id } = await app.sendTask('tasks.flaky', { args: [1], queue: 'again' });
      const events = await until(
        async () => {
          const all = (await heard(id)).events;
          return all.length >= 2 ? all : undefined;
        },
        { timeoutMs: 60_000, everyMs: 100, what: 'task-sent of the retry' },
      );
      const [first = {}, again = {}] = [...events].sort((a, b) => Number(a.retries) - Number(b.retries));
      expect(Object.keys(again).sort()).toEqual(Object.keys(first).sort());
      expect(again).toMatchObject({
        uuid: id,
        root_id: id,
        name: 'tasks.flaky',
        args: '(1,)',
        retries: 1,
        queue: 'again',
        hostname: 'ours@node-host',
      });
    });
  });
}

function withoutOwn(event: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(event).filter(([field]) => !OWN_FIELDS.includes(field)));
}
