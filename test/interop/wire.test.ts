import {
  decodeRedisEnvelope,
  decodeResultMeta,
  encodeRedisEnvelope,
  encodeResultMeta,
  encodeTask,
  exceptionRepr,
  isRemoteException,
  type remoteException,
  stringifyJson,
  type TaskCall,
  timeLimitExceeded,
  toRemoteException,
  workerLost,
} from '@celeriac/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PythonResponder, startPythonResponder } from '../python/script.ts';

/** A Celery app without a broker, asked for the messages and records it makes and reads. */
const PYTHON = `
from celery import Celery
from celery.app.task import Context
from kombu import Connection
from kombu.utils import json as kombu_json

app = Celery("peer", broker="memory://", backend="cache+memory://", set_as_current=True)

def handle(request):
    what = request["what"]
    if what == "as_task":
        arguments = request["arguments"]
        if "args" in arguments: arguments["args"] = tuple(arguments["args"])
        message = app.amqp.as_task_v2(**arguments)
        return {"headers": message.headers, "properties": message.properties, "body": kombu_json.dumps(message.body)}
    if what == "meta":
        meta = app.backend.decode_result(request["text"])
        result = meta["result"]
        return {"status": meta["status"], "class": type(result).__module__ + "." + type(result).__name__, "repr": repr(result), "task_id": meta["task_id"]}
    if what == "exception":
        try: eval(request["source"])
        except Exception as error: return kombu_json.dumps(app.backend._get_result_meta(app.backend.prepare_exception(error), "FAILURE", "tb", Context(id="t1")))
    if what == "receive":
        with Connection("memory://") as connection:
            channel = connection.channel()
            message = channel.Message(kombu_json.loads(request["element"]), channel=channel, accept={"application/json"})
            return {"headers": message.headers, "payload": message.payload, "delivery_info": message.delivery_info, "content_type": message.content_type}
`;

let python: PythonResponder;
beforeAll(async () => {
  python = await startPythonResponder(PYTHON);
});
afterAll(async () => {
  await python.stop();
});

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('a task message', () => {
  const ORIGIN = 'gen1@host';
  const cases: readonly (readonly [string, TaskCall, Record<string, unknown>])[] = [
    [
      'a plain call',
      { name: 'tasks.add', taskId: 't1', args: [1, 'two'], origin: ORIGIN, ignoreResult: false },
      { task_id: 't1', name: 'tasks.add', args: [1, 'two'] },
    ],
    [
      'everything said',
      {
        name: 'tasks.add',
        taskId: 't1',
        kwargs: { y: [1, { a: null }] },
        origin: ORIGIN,
        rootId: 'r',
        parentId: 'p',
        groupId: 'g',
        groupIndex: 2,
        retries: 3,
        eta: '2026-11-21T10:00:00.123456+00:00',
        expires: '2026-11-22T10:00:00+00:00',
        timeLimitS: 30,
        softTimeLimitS: 20,
        ignoreResult: true,
        shadow: 'shown',
        replyTo: 'queue',
        stampedHeaders: ['team'],
        stamps: { team: 'a' },
        replacedTaskNesting: 1,
        embed: { chain: [{ task: 'tasks.b' }] },
      },
      {
        task_id: 't1',
        name: 'tasks.add',
        kwargs: { y: [1, { a: null }] },
        root_id: 'r',
        parent_id: 'p',
        group_id: 'g',
        group_index: 2,
        retries: 3,
        eta: '2026-11-21T10:00:00.123456+00:00',
        expires: '2026-11-22T10:00:00+00:00',
        time_limit: 30,
        soft_time_limit: 20,
        ignore_result: true,
        shadow: 'shown',
        reply_to: 'queue',
        stamped_headers: ['team'],
        team: 'a',
        replaced_task_nesting: 1,
        chain: [{ task: 'tasks.b' }],
      },
    ],
  ];

  test.each(cases)('is the one Celery makes: %s', async (_name, call, given) => {
    const theirs = (await python.ask({ what: 'as_task', arguments: { ...given, origin: ORIGIN } })) as {
      headers: Record<string, unknown>;
      properties: unknown;
      body: string;
    };
    const ours = encodeTask(call);
    expect(JSON.stringify({ ...ours.headers, lang: 'py' })).toBe(JSON.stringify(theirs.headers));
    expect(text(ours.body)).toBe(theirs.body);
    expect({ correlation_id: ours.properties.correlationId, reply_to: ours.properties.replyTo }).toEqual(theirs.properties);
  });

  test('is read by kombu out of a Redis envelope, compressed or not', async () => {
    for (const compression of [null, 'gzip'] as const) {
      const message = encodeTask({ name: 'tasks.add', taskId: 't1', args: ['é', 2], compression });
      const element = encodeRedisEnvelope(message, { exchange: '', routingKey: 'celery' }, 'tag');
      const marked = element.replace('{', '{"celeriac": [1,0], ');
      for (const one of [element, marked])
        expect(await python.ask({ what: 'receive', element: one })).toMatchObject({
          headers: { task: 'tasks.add', id: 't1' },
          payload: [['é', 2], {}, { callbacks: null }],
          delivery_info: { exchange: '', routing_key: 'celery' },
          content_type: 'application/json',
        });
      expect(decodeRedisEnvelope(marked)).toMatchObject({ kind: 'message', redeliveries: 1, losses: 0, redelivered: true });
    }
  });
});

describe('a result record', () => {
  test.each<[string, Parameters<typeof remoteException>[0] | unknown, string, string]>([
    ['TypeError', toRemoteException(new TypeError("it's")), 'builtins.TypeError', `TypeError("it's")`],
    ['RangeError', toRemoteException(new RangeError('x')), 'builtins.ValueError', "ValueError('x')"],
    ['Error', toRemoteException(new Error('x')), 'builtins.Exception', "Exception('x')"],
    [
      'a class of the user',
      toRemoteException(new (class OrderRejected extends Error {})('no')),
      'celery.backends.base.OrderRejected',
      "OrderRejected('no')",
    ],
    [
      'an identity of the user',
      toRemoteException(Object.assign(new Error('x'), { excType: 'KeyError', excModule: 'builtins', excArgs: ['k'] })),
      'builtins.KeyError',
      "KeyError('k')",
    ],
    ['WorkerLostError', workerLost('gone'), 'billiard.exceptions.WorkerLostError', "WorkerLostError('gone')"],
    ['TimeLimitExceeded', timeLimitExceeded(30), 'billiard.exceptions.TimeLimitExceeded', 'TimeLimitExceeded(30)'],
  ])('of %s is raised in Python by its class', async (_name, exception, className, repr) => {
    if (!isRemoteException(exception)) throw new Error('not an exception');
    const record = encodeResultMeta({
      taskId: 't1',
      status: 'FAILURE',
      resultJson: stringifyJson(exception),
      traceback: 'tb',
      dateDone: '2026-11-21T10:00:00+00:00',
    });
    expect(await python.ask({ what: 'meta', text: record })).toEqual({ status: 'FAILURE', class: className, repr, task_id: 't1' });
    expect(exceptionRepr(exception)).toBe(repr);
  });

  test('made by Celery is read', async () => {
    const answer = (await python.ask({ what: 'exception', source: '{}["k"]' })) as string;
    const meta = decodeResultMeta(`${answer.slice(0, -1)}, "task_id": "t1"}`);
    expect(meta).toMatchObject({
      status: 'FAILURE',
      task_id: 't1',
      traceback: 'tb',
      result: { exc_type: 'KeyError', exc_message: ['k'], exc_module: 'builtins' },
    });
  });
});
