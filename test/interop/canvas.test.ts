import {
  chainFailures,
  childrenJson,
  decodeBody,
  decodeEnvelope,
  type Embed,
  encodeTask,
  errorFollowUps,
  type FollowUp,
  type FollowUpCall,
  followUps,
  hasEmptyEmbed,
  parseJson,
  type Request,
  stringifyJson,
} from '@celeriac/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PythonResponder, startPythonResponder } from '../python/script.ts';

/** A Celery app without a broker: what it would publish is written down. */
const PYTHON = `
import json
from celery import Celery, chain, chord, group, signature
from celery._state import _task_stack
from celery.app.task import Context
from kombu.utils import json as kombu_json

app = Celery("peer", broker="memory://", backend="cache+memory://", set_as_current=True)
app.conf.update(result_chord_join_timeout=1)
app.backend.set_chord_size = lambda group_id, size: sizes.append([group_id, size])
app.backend.apply_chord = lambda *args, **kwargs: None
app.backend.ensure_chords_allowed = lambda: None
sizes = []
sent = []
def run(): pass
running = app.task(run, name="peer.running")

def send(producer, name, message, **options):
    sent.append({
        "headers": dict(message.headers), "body": message.body, "properties": dict(message.properties),
        "queue": getattr(options.get("queue"), "name", options.get("queue")),
        "priority": options.get("priority"),
    })

app.amqp.__dict__["send_task_message"] = send

def build(source):
    return eval(source, {"chain": chain, "group": group, "chord": chord, "s": lambda name, *a, **k: app.signature(name, args=a, kwargs=k), "si": lambda name, *a, **k: app.signature(name, args=a, kwargs=k, immutable=True)})

def taken():
    got = json.loads(kombu_json.dumps({"sent": sent[:], "sizes": sizes[:]}))
    sent.clear(); sizes.clear()
    return got

def handle(request):
    what = request["what"]
    if what == "send":
        taken()
        build(request["source"]).apply_async()
        return taken()
    if what == "follow":
        taken()
        embed, retval = request["embed"], request["retval"]
        options = dict(parent_id=request["parent_id"], root_id=request["root_id"], priority=None)
        callbacks = embed["callbacks"] or []
        # _dispatch_callbacks_and_chain is local to build_tracer; these are its lines, in the context it runs in
        _task_stack.push(running)
        running.push_request(id=request["parent_id"], root_id=request["root_id"], called_directly=False, children=[], delivery_info={})
        try:
            if len(callbacks) > 1:
                signatures = [signature(one, app=app) for one in callbacks]
                for one in [one for one in signatures if isinstance(one, group)]: one.apply_async((retval,), **options)
                rest = [one for one in signatures if not isinstance(one, group)]
                if rest: group(rest, app=app).apply_async((retval,), **options)
            elif callbacks:
                signature(callbacks[0], app=app).apply_async((retval,), **options)
            if embed["chain"]:
                signature(embed["chain"][-1], app=app).apply_async((retval,), chain=embed["chain"][:-1], **options)
            return {**taken(), "children": [child.as_tuple() for child in running.request.children]}
        finally:
            running.pop_request()
            _task_stack.pop()
    if what == "fail":
        taken()
        stored = []
        app.backend.store_result = lambda task_id, result, state, **kwargs: stored.append([task_id, state])
        app.backend.on_chord_part_return = lambda *args, **kwargs: None
        app.backend.get_state = lambda task_id: "PENDING"
        context = Context(id=request["id"], root_id=request["root_id"], chain=request["embed"]["chain"], errbacks=request["embed"]["errbacks"], delivery_info={})
        app.backend.mark_as_failure(request["id"], ValueError("x"), request=context)
        return {**taken(), "stored": stored}
`;

let python: PythonResponder;
beforeAll(async () => {
  python = await startPythonResponder(PYTHON);
});
afterAll(async () => {
  await python.stop();
});

interface Sent {
  readonly headers: Record<string, unknown>;
  readonly body: readonly [unknown[], Record<string, unknown>, Record<string, unknown>];
  readonly properties: Record<string, unknown>;
  readonly queue: string | null;
  readonly priority: number | null;
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

describe('what follows a task', () => {
  const received = async (source: string): Promise<readonly Sent[]> =>
    ((await python.ask({ what: 'send', source })) as { sent: Sent[] }).sent;

  function requestOf(sent: Sent): { request: Request; embed: Embed } {
    const message = {
      headers: sent.headers,
      properties: {},
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      body: new TextEncoder().encode(stringifyJson(sent.body)),
    };
    const decoded = decodeEnvelope(message, { exchange: '', routingKey: 'celery', priority: null, redelivered: false });
    if (decoded.kind === 'refused') throw new Error(decoded.refusal.reason);
    const body = decodeBody(decoded.request);
    if (body.kind === 'refused') throw new Error(body.refusal.reason);
    return { request: decoded.request, embed: body.body.embed };
  }

  const callsOf = (followed: readonly FollowUp[]): readonly FollowUpCall[] =>
    followed.flatMap((one) => (one.kind === 'call' ? [one] : one.kind === 'group' ? one.calls : one.header));

  function idMaker(): () => string {
    let made = 0;
    return () => {
      made += 1;
      return `new-${made}`;
    };
  }

  /** What counts of a message, with ids of its own making replaced by their order of appearance. */
  function comparable(messages: readonly { headers: Readonly<Record<string, unknown>>; body: unknown; queue: unknown }[]): unknown {
    return renamed(
      messages.map(({ headers, body, queue }) => {
        const { task, id, group, group_index, root_id, parent_id, retries, timelimit, eta } = headers;
        return {
          task,
          id,
          group,
          group_index,
          root_id,
          parent_id,
          retries,
          timelimit,
          eta,
          body: simplified(body),
          queue: queue === 'celery' ? null : (queue ?? null),
        };
      }),
    );
  }

  function renamed(value: unknown): unknown {
    const names = new Map<string, string>();
    const text = JSON.stringify(value).replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|new-\d+/g, (id) => {
      if (!names.has(id)) names.set(id, `id ${names.size + 1}`);
      return names.get(id) as string;
    });
    return JSON.parse(text);
  }

  /** Options that say nothing to a reader, and the order of keys, are left aside. */
  function simplified(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(simplified);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).filter(
      ([key, one]) =>
        one !== null &&
        key !== 'reply_to' &&
        key !== 'parent_id' &&
        key !== 'root_id' &&
        key !== 'chord_size' &&
        !(key === 'chain' && Array.isArray(one) && one.length === 0),
    );
    return Object.fromEntries(entries.sort(([left], [right]) => (left < right ? -1 : 1)).map(([key, one]) => [key, simplified(one)]));
  }

  const WORKFLOWS: readonly (readonly [string, string])[] = [
    ['a chain of plain tasks', "chain(s('a', 1), s('b', 2, k=3), s('c'))"],
    ['an immutable next', "chain(s('a', 1), si('b', 2))"],
    [
      'a next with options',
      "chain(s('a'), s('b').set(queue='other', priority=5, time_limit=30, soft_time_limit=20, countdown=5, headers={'x': 1}))",
    ],
    ['one callback', "s('a', link=None).set(link=[s('b', 1)])"],
    ['two callbacks', "s('a').set(link=[s('b', 1), si('c')])"],
    ['a callback and a chain', "chain(s('a').set(link=[s('l')]), s('b'), s('c'))"],
    ['a group at the end of a chain', "chain(s('a'), group(s('b', 1), si('c'), s('d')))"],
    ['a chord in a chain', "chain(s('a'), group(s('b', 1), s('c')), s('d'))"],
    ['a chord in the middle of a chain', "chain(s('a'), group(s('b', 1), s('c')), s('d'), s('e'), s('f'))"],
    ['two chords in a chain', "chain(s('a'), group(s('b'), s('c')), s('d'), group(s('e'), s('f')), s('g'))"],
    ['a chord of chains', "chain(s('a'), chord([chain(s('b'), s('c')), s('d')], s('e')))"],
    ['a callback that is a chain', "s('a').set(link=[chain(s('b'), s('c'), s('d'))])"],
    ['a callback that is a group', "s('a').set(link=[group(s('b'), s('c'))])"],
    ['errbacks on the way', "chain(s('a'), s('b').set(link_error=[s('e')]), s('c'))"],
    ['stamps of its own', "chain(s('a'), s('b').set(stamped_headers=['team'], team='x'))"],
  ];

  test.each(WORKFLOWS)('is what Celery sends: %s', async (_name, source) => {
    const [first] = await received(source);
    if (first === undefined) throw new Error('nothing was sent');
    const { request, embed } = requestOf(first);
    const theirs = (await python.ask({
      what: 'follow',
      embed: first.body[2],
      retval: { r: [1, 2.5] },
      parent_id: request.id,
      root_id: request.rootId,
    })) as { sent: Sent[]; sizes: [string, number][]; children: unknown };
    const newId = idMaker();
    const followed = followUps(embed, request, '{"r": [1, 2.5]}', newId);
    const ours = callsOf(followed).map(({ call, route }) => {
      const message = encodeTask(call);
      return { headers: message.headers, body: parseJson(text(message.body)), queue: route.queue };
    });
    const withoutTimes = theirs.sent.map(({ headers, body, queue }) => ({
      headers: { ...headers, eta: null },
      body,
      queue,
    }));
    expect(comparable(ours)).toEqual(comparable(withoutTimes));
    expect(followed.flatMap((one) => (one.kind === 'chord' ? [one.size] : []))).toEqual(theirs.sizes.map(([, size]) => size));
    expect(renamed(JSON.parse(childrenJson(followed)))).toEqual(renamed(theirs.children));
    expect(hasEmptyEmbed(request)).toBe(false);
  });

  test.each([
    ['errbacks and the rest of the chain', "chain(s('a').set(link_error=[s('e', 1), si('f')]), s('b'), s('c'))"],
    ['a chord in the rest of the chain', "chain(s('a'), group(s('b'), s('c')), s('d'), s('e'))"],
  ])('a failure is what Celery makes of it: %s', async (_name, source) => {
    const [first] = await received(source);
    if (first === undefined) throw new Error('nothing was sent');
    const { request, embed } = requestOf(first);
    const theirs = (await python.ask({ what: 'fail', embed: first.body[2], id: request.id, root_id: request.rootId })) as {
      sent: Sent[];
      stored: [string, string][];
    };
    const newId = idMaker();
    const ours = callsOf(errorFollowUps(embed, request, newId)).map(({ call, route }) => {
      const message = encodeTask(call);
      return { headers: message.headers, body: parseJson(text(message.body)), queue: route.queue };
    });
    expect(comparable(ours)).toEqual(comparable(theirs.sent.map(({ headers, body, queue }) => ({ headers, body, queue }))));
    expect([request.id, ...chainFailures(embed).map((failure) => failure.taskId)]).toEqual(theirs.stored.map(([id]) => id));
  });
});
