import { chainFailures, chordPartOf, type Embed, errorFollowUps, followUps } from '@celeriac/protocol';
import { expect, test } from 'vitest';

const EMPTY: Embed = { callbacks: null, errbacks: null, chain: null, chord: null };
const PARENT = { id: 'p', rootId: 'r' };
const newId = (): string => 'new';
const group = (...tasks: unknown[]) => ({ task: 'celery.group', kwargs: { tasks }, subtask_type: 'group' });

test('nothing follows an empty embed', () => {
  expect(followUps(EMPTY, PARENT, '1', newId)).toEqual([]);
  expect(errorFollowUps(EMPTY, PARENT, newId)).toEqual([]);
  expect(chainFailures(EMPTY)).toEqual([]);
});

test.each<[string, unknown]>([
  [
    'a chain that starts with a group',
    { task: 'celery.chain', kwargs: { tasks: [group({ task: 'a' }), { task: 'b' }] }, subtask_type: 'chain' },
  ],
  ['a chord within a group', group({ task: 'celery.chord', kwargs: { header: [], body: { task: 'b' } }, subtask_type: 'chord' })],
])('a shape that cannot be sent yet is said so: %s', (_name, signature) => {
  expect(() => followUps({ ...EMPTY, callbacks: [signature] }, PARENT, '1', newId)).toThrow(/^CELERIAC_E_PROTOCOL: /);
});

test.each<[string, unknown]>([
  ['a group without tasks', { task: 'celery.group', kwargs: {}, subtask_type: 'group' }],
  ['a group of numbers', group(5)],
  ['a chord without a body', { task: 'celery.chord', kwargs: { header: [] }, subtask_type: 'chord' }],
  ['a chain of nothing', { task: 'celery.chain', kwargs: { tasks: [] }, subtask_type: 'chain' }],
  ['a link that is a number', { task: 'a', options: { link: 5 } }],
  ['a number', 5],
])('what is malformed is refused: %s', (_name, signature) => {
  expect(() => followUps({ ...EMPTY, chain: [signature] }, PARENT, '1', newId)).toThrow(/^CELERIAC_E_EMBED: /);
});

test('the result goes on as the text it is', () => {
  const [next] = followUps(
    { ...EMPTY, chain: [{ task: 'b', args: [2], immutable: false }] },
    PARENT,
    '{"x": 1.0, "big": 9007199254740993}',
    newId,
  );
  expect(next?.kind === 'call' && next.call.bodyJson).toBe(
    '[[{"x": 1.0, "big": 9007199254740993}, 2], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]',
  );
});

test('an empty chord header means that the body is sent at once', () => {
  const chord = {
    task: 'celery.chord',
    kwargs: { header: [], body: { task: 'b', options: { task_id: 'body' } } },
    subtask_type: 'chord',
    options: { task_id: 'g' },
  };
  const [next] = followUps({ ...EMPTY, chain: [chord] }, PARENT, '1', newId);
  expect(next).toMatchObject({ kind: 'call', call: { name: 'b', taskId: 'body' } });
  expect(next?.kind === 'call' && next.call.bodyJson?.startsWith('[[[]], {}')).toBe(true);
});

test('a request is a part of a chord where it has a body and a group', () => {
  const body = { task: 'b' };
  expect(chordPartOf({ id: 't', groupId: 'g', groupIndex: 2 }, { ...EMPTY, chord: body })).toEqual({
    taskId: 't',
    groupId: 'g',
    groupIndex: 2,
    body,
  });
  expect(chordPartOf({ id: 't', groupId: null, groupIndex: null }, { ...EMPTY, chord: body })).toBeNull();
  expect(chordPartOf({ id: 't', groupId: 'g', groupIndex: 2 }, EMPTY)).toBeNull();
});

test('a failure reaches the bodies of chords in the rest of the chain, and tells their parts', () => {
  const chain = [
    { task: 'd', options: { task_id: 'd', group_id: 'g', group_index: 1, chord: { task: 'outer' } } },
    {
      task: 'celery.chord',
      subtask_type: 'chord',
      kwargs: { header: [], body: { task: 'b', options: { task_id: 'b', chain: [{ task: 'c', options: { task_id: 'c' } }] } } },
      options: {},
    },
  ];
  expect(chainFailures({ ...EMPTY, chain }).map(({ taskId, chordPart }) => [taskId, chordPart?.groupId ?? null])).toEqual([
    ['d', 'g'],
    ['b', null],
    ['c', null],
  ]);
});
