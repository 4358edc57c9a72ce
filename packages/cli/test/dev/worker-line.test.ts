import { expect, it } from 'vitest';
import { readWorkerLine } from '../../src/dev/worker-line.ts';

const line = (fields: Record<string, unknown>): string =>
  JSON.stringify({ level: 'info', time: 't', pid: 1, command: 'worker', ...fields });
const task = { taskId: 'c0ffee', taskName: 'tasks.add' };

it.each([
  ['a task line', line({ ...task, msg: 'Task tasks.add[c0ffee] received' }), 'tasks.add[c0ffee] received', 'info'],
  ["a task's own line", line({ ...task, size: 3, to: 'you', msg: 'sent' }), 'tasks.add[c0ffee]: sent size=3 to=you', 'info'],
  [
    'a failure',
    line({
      ...task,
      level: 'error',
      traceback: 'Error: no\n    at x (t.ts:1:2)\n',
      msg: "Task tasks.add[c0ffee] raised unexpected: Exception('no')",
    }),
    "tasks.add[c0ffee] raised unexpected: Exception('no')\n    Error: no\n        at x (t.ts:1:2)",
    'error',
  ],
  [
    'a warning',
    line({ level: 'warn', err: { stack: 'Error: gone' }, msg: 'broker connection lost' }),
    'broker connection lost\n    Error: gone',
    'warn',
  ],
  ['what is no log entry', 'celeriac: CELERIAC_E_TASK_MODULE: cannot import', 'celeriac: CELERIAC_E_TASK_MODULE: cannot import', 'info'],
  ['half an entry', '{"level":"info","msg"', '{"level":"info","msg"', 'info'],
  ['JSON of a task', '{"x": 1}', '{"x": 1}', 'info'],
])('shows %s', (_what, text, shown, level) => {
  expect(readWorkerLine(text)).toEqual({ text: shown, level, reload: undefined });
});

it('leaves out what a worker says of its coming and going', () => {
  expect(readWorkerLine(line({ msg: 'dev-1@vm takes tasks', slots: 2 }))).toBeUndefined();
  expect(readWorkerLine('dev-1@vm ready.')).toBeUndefined();
  expect(readWorkerLine('   ')).toBeUndefined();
});

it('tells how far a reload is', () => {
  expect(readWorkerLine(line({ reload: 'loaded', msg: 'new' }))).toEqual({ text: 'new', level: 'info', reload: 'loaded' });
});
