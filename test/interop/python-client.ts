import { type PythonResponder, startPythonResponder } from '../python/script.ts';
import type { PythonPeerName } from '../python/venv.ts';
import type { BrokerRig } from './broker-rig.ts';

const CLIENT = `
import ast, datetime, decimal, math, os, time, uuid
from celery import Celery
from celery.exceptions import TimeoutError as CeleryTimeout

app = Celery('tasks', broker=os.environ['BROKER'], backend=os.environ['BACKEND'])

def same(left, right):
    if isinstance(left, float) and isinstance(right, float) and math.isnan(left):
        return math.isnan(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right))
    return type(left) is type(right) and left == right

def ended(result, timeout):
    try:
        return {'value': result.get(timeout=timeout)}
    except CeleryTimeout:
        return {'timeout': True}
    except BaseException as error:
        return {'error': type(error).__name__, 'module': type(error).__module__, 'args': [str(a) for a in error.args], 'state': result.state}

def handle(request):
    op = request['op']
    if op == 'send':
        options = request.get('options', {})
        return app.send_task(request['name'], request.get('args', []), request.get('kwargs', {}), **options).id
    if op == 'get':
        return ended(app.AsyncResult(request['id']), request.get('timeout', 60))
    if op == 'call':
        options = request.get('options', {})
        return ended(app.send_task(request['name'], request.get('args', []), request.get('kwargs', {}), **options), request.get('timeout', 60))
    if op == 'echo':
        value = eval(request['expression'])
        answer = app.send_task('tasks.echo', [value]).get(timeout=60)
        return {'same': same(value, answer), 'sent': repr(value), 'got': repr(answer)}
    if op == 'inspect':
        # of the one worker there is: without a limit every question takes its whole timeout
        inspect = app.control.inspect(timeout=30, limit=1)
        return getattr(inspect, request['method'])()
    if op == 'ping':
        return app.control.ping(timeout=1)
    if op == 'now':
        return time.time()
    raise ValueError(op)
`;

export interface EndedTask {
  readonly value?: unknown;
  readonly error?: string;
  readonly module?: string;
  readonly args?: readonly string[];
  readonly state?: string;
  readonly timeout?: boolean;
}

/** A real Python Celery client, driven line by line. */
export interface PythonClient extends AsyncDisposable {
  send(name: string, call?: PythonCall): Promise<string>;
  get(id: string, timeoutS?: number): Promise<EndedTask>;
  call(name: string, call?: PythonCall): Promise<EndedTask>;
  /** Sends the value of a Python expression to tasks.echo and compares what comes back, by type and value, in Python. */
  echo(expression: string): Promise<{ readonly same: boolean; readonly sent: string; readonly got: string }>;
  inspect(method: string): Promise<Record<string, unknown> | null>;
}

export interface PythonCall {
  readonly args?: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
  /** Options of send_task, in Python's names. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Seconds to wait for the result. Default 60. */
  readonly timeout?: number;
}

export async function startPythonClient(peer: PythonPeerName, rig: BrokerRig): Promise<PythonClient> {
  const responder: PythonResponder = await startPythonResponder(CLIENT, { peer, env: { BROKER: rig.broker, BACKEND: rig.backend } });
  return {
    send: async (name, call = {}) => (await responder.ask({ op: 'send', name, ...call })) as string,
    get: async (id, timeout = 60) => (await responder.ask({ op: 'get', id, timeout })) as EndedTask,
    call: async (name, call = {}) => (await responder.ask({ op: 'call', name, ...call })) as EndedTask,
    echo: async (expression) => (await responder.ask({ op: 'echo', expression })) as { same: boolean; sent: string; got: string },
    inspect: async (method) => (await responder.ask({ op: 'inspect', method })) as Record<string, unknown> | null,
    [Symbol.asyncDispose]: () => responder.stop(),
  };
}
