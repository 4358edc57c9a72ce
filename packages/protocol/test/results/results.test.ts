import { deflateSync } from 'node:zlib';
import {
  decodeResultMeta,
  encodeResultMeta,
  exceptionRepr,
  remoteException,
  softTimeLimitExceeded,
  TaskError,
  taskRevoked,
  toRemoteException,
} from '@celeriac/protocol';
import { describe, expect, test } from 'vitest';

describe('a result record', () => {
  test('has the members of Celery, status first', () => {
    expect(encodeResultMeta({ taskId: 't1', status: 'SUCCESS', resultJson: '1.0', dateDone: '2026-01-01T00:00:00+00:00' })).toBe(
      '{"status": "SUCCESS", "result": 1.0, "traceback": null, "children": [], "date_done": "2026-01-01T00:00:00+00:00", "task_id": "t1"}',
    );
    const extended = { name: 'tasks.add', argsJson: '[1]', kwargsJson: '{}', worker: 'w@h', retries: 1, queue: 'celery' };
    const text = encodeResultMeta({
      taskId: 't1',
      status: 'FAILURE',
      resultJson: 'null',
      traceback: 'a\n"b"',
      childrenJson: '[[["c", null], null]]',
      groupId: 'g',
      parentId: 'p',
      extended,
    });
    expect(JSON.parse(text)).toEqual({
      status: 'FAILURE',
      result: null,
      traceback: 'a\n"b"',
      children: [[['c', null], null]],
      date_done: null,
      group_id: 'g',
      parent_id: 'p',
      name: 'tasks.add',
      args: [1],
      kwargs: {},
      worker: 'w@h',
      retries: 1,
      queue: 'celery',
      task_id: 't1',
    });
  });

  test('is read, plain or marked as compressed', () => {
    const text = encodeResultMeta({ taskId: 't1', status: 'SUCCESS', resultJson: '9007199254740993' });
    const compressed = Buffer.concat([Buffer.from('\0celery-compressed\0application/x-gzip\0'), deflateSync(text)]);
    for (const record of [text, new TextEncoder().encode(text), compressed])
      expect(decodeResultMeta(record)).toMatchObject({ task_id: 't1', status: 'SUCCESS', result: 9007199254740993n, traceback: null });
  });

  test.each<[string, string | Uint8Array, string]>([
    ['text that is not JSON', 'x', 'CELERIAC_E_VALUE'],
    ['a list', '[]', 'CELERIAC_E_VALUE'],
    ['no status', '{}', 'CELERIAC_E_VALUE'],
    ['bytes that are not UTF-8', Uint8Array.of(255), 'CELERIAC_E_VALUE'],
    ['a broken compression', Buffer.from('\0celery-compressed\0application/x-gzip\0xx'), 'CELERIAC_E_COMPRESSION'],
    ['an unknown compression', Buffer.from('\0celery-compressed\0x\0xx'), 'CELERIAC_E_COMPRESSION'],
    ['a marker and nothing else', Buffer.from('\0celery-compressed\0'), 'CELERIAC_E_COMPRESSION'],
    [
      'a zip bomb',
      Buffer.concat([Buffer.from('\0celery-compressed\0zlib\0'), deflateSync(Buffer.alloc(65 * 1024 * 1024, 32))]),
      'CELERIAC_E_TOO_LARGE',
    ],
  ])('refuses %s', (_name, record, code) => {
    expect(() => decodeResultMeta(record)).toThrow(new RegExp(`^${code}: `));
  });
});

describe('toRemoteException', () => {
  class OrderRejected extends Error {}
  class Named extends Error {
    override readonly name = 'payments.Declined';
  }
  test.each<[string, unknown, [string, unknown, string | null]]>([
    ['an Error without text', new Error(), ['Exception', [], 'builtins']],
    ['a SyntaxError', new SyntaxError('x'), ['SyntaxError', ['x'], 'builtins']],
    ['a class of its own', new OrderRejected('no'), ['OrderRejected', ['no'], null]],
    ['a name of its own', new Named('no'), ['payments.Declined', ['no'], null]],
    [
      'an identity of its own',
      Object.assign(new Error('x'), { excType: 'HTTPError', excModule: 'requests.exceptions', excArgs: [404, () => 1] }),
      ['HTTPError', [404, '() => 1'], 'requests.exceptions'],
    ],
    ['an AbortError', new DOMException('stop', 'AbortError'), ['AbortError', ['stop'], null]],
    ['a string', 'no', ['Exception', ['no'], 'builtins']],
    ['undefined', undefined, ['Exception', [undefined], 'builtins']],
    ['an object', { a: 1 }, ['Exception', [{ a: 1 }], 'builtins']],
    [
      'an object that throws',
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('x');
          },
          has: () => {
            throw new Error('x');
          },
        },
      ),
      ['Exception', ['something was thrown that cannot be examined'], 'builtins'],
    ],
    ['one that is remote already', remoteException('A', [1], 'm'), ['A', [1], 'm']],
  ])('%s', (_name, error, [type, args, module]) => {
    expect(toRemoteException(error)).toEqual({ exc_type: type, exc_message: args, exc_module: module });
  });
});

test('exceptionRepr is what events and exporters expect', () => {
  expect(exceptionRepr(taskRevoked('expired'))).toBe("TaskRevokedError('expired')");
  expect(exceptionRepr(softTimeLimitExceeded())).toBe('SoftTimeLimitExceeded()');
  expect(exceptionRepr({ exc_type: 'a.B', exc_message: 'text', exc_module: null })).toBe("B('text')");
  expect(exceptionRepr(remoteException('A', ['x'.repeat(10_000), [1, 'y']], null)).length).toBeLessThan(2_100);
});

test('a TaskError tells what happened on the other side', () => {
  expect(new TaskError(remoteException('ValueError', ['x'], 'builtins'), 'tb')).toMatchObject({
    message: "ValueError('x')",
    name: 'TaskError',
    excType: 'ValueError',
    excModule: 'builtins',
    excMessage: ['x'],
    traceback: 'tb',
  });
});
