import { describe, expect, it } from 'vitest';
import { createDepthReader } from '../../src/samplers/depth-reader.ts';
import { nextDueSampler } from '../../src/samplers/next-due.ts';
import { queueDepthSampler } from '../../src/samplers/queue-depth.ts';

type Depths = (names: readonly string[]) => Promise<ReadonlyMap<string, number | Error>>;

const sevens: Depths = (names) => Promise.resolve(new Map(names.map((name) => [name, 7])));

describe('queue depths', () => {
  it('a number is a reading, an error is none', async () => {
    let nowMs = 1_000;
    const depths: Depths = () =>
      Promise.resolve(
        new Map<string, number | Error>([
          ['there', 7],
          ['broken', new Error('WRONGTYPE')],
        ]),
      );
    const reader = createDepthReader({ admin: { depths }, limitMs: 1_000 });
    const sampler = queueDepthSampler({ queues: ['there', 'broken', 'forgotten'], depths: reader, now: () => nowMs });
    nowMs = 5_000;
    expect(await sampler.read()).toEqual([
      { name: 'there', ready: { kind: 'reading', value: 7, atMs: 5_000 } },
      { name: 'broken', ready: { kind: 'unavailable', reason: 'WRONGTYPE', sinceMs: 1_000 } },
      {
        name: 'forgotten',
        ready: {
          kind: 'unavailable',
          reason: expect.stringContaining('did not say how much waits in forgotten') as string,
          sinceMs: 1_000,
        },
      },
    ]);
  });

  it('says since when there has been no reading, of a broker that fails and of one that hangs', async () => {
    let nowMs = 1_000;
    let depths: Depths = sevens;
    const reader = createDepthReader({ admin: { depths: (names) => depths(names) }, limitMs: 20 });
    const sampler = queueDepthSampler({ queues: ['q'], depths: reader, now: () => nowMs });
    nowMs = 2_000;
    await sampler.read();
    nowMs = 9_000;
    depths = () => Promise.reject(new Error('gone'));
    expect(await sampler.read()).toEqual([{ name: 'q', ready: { kind: 'unavailable', reason: 'gone', sinceMs: 2_000 } }]);
    depths = () => new Promise(() => {});
    expect(await sampler.read()).toEqual([
      { name: 'q', ready: { kind: 'unavailable', reason: 'CELERIAC_E_TIMEOUT: depth of q took longer than 20 ms', sinceMs: 2_000 } },
    ]);
  });
});

describe('a reader of depths', () => {
  it('asks once for what many want in one turn, and answers each with its own', async () => {
    const asked: (readonly string[])[] = [];
    const depths: Depths = (names) => {
      asked.push(names);
      return sevens(names);
    };
    const reader = createDepthReader({ admin: { depths }, limitMs: 1_000 });
    const answers = await Promise.all([reader.read(['a', 'b']), reader.read(['b', 'c']), reader.read([])]);
    expect(asked).toEqual([['a', 'b', 'c']]);
    expect(answers.map((answer) => [...answer.keys()])).toEqual([['a', 'b'], ['b', 'c'], []]);
    await reader.read(['a']);
    expect(asked).toHaveLength(2);
  });

  it('keeps what came in time where a part of many comes late', async () => {
    const names = Array.from({ length: 1_200 }, (_, index) => `q${index}`);
    const depths: Depths = (some) => (some.includes('q600') ? new Promise(() => {}) : sevens(some));
    const read = await createDepthReader({ admin: { depths }, limitMs: 20 }).read(names);
    expect([...read.keys()]).toEqual(names);
    expect(names.filter((name) => read.get(name) === 7)).toEqual([...names.slice(0, 500), ...names.slice(1_000)]);
  });

  it('does not let a thousand pools go on in one turn of the event loop', async () => {
    const reader = createDepthReader({ admin: { depths: sevens }, limitMs: 1_000 });
    let turn = 0;
    let over = false;
    const nextTurn = (): void => {
      turn += 1;
      if (!over) setImmediate(nextTurn);
    };
    nextTurn();
    const perTurn = new Map<number, number>();
    await Promise.all(
      Array.from({ length: 1_000 }, async (_, index) => {
        await reader.read([`q${index}`]);
        perTurn.set(turn, (perTurn.get(turn) ?? 0) + 1);
      }),
    );
    over = true;
    expect(Math.max(...perTurn.values())).toBeLessThanOrEqual(16);
  });
});

describe('the next due time', () => {
  it.each<[string, () => Promise<number | null | undefined>, unknown]>([
    ['a time', () => Promise.resolve(77), { kind: 'reading', value: 77, atMs: 5 }],
    ['none', () => Promise.resolve(null), { kind: 'reading', value: null, atMs: 5 }],
    ['a broker that cannot say', () => Promise.resolve(undefined), { kind: 'unavailable', reason: 'the broker cannot say', sinceMs: 5 }],
    ['an error', () => Promise.reject(new Error('gone')), { kind: 'unavailable', reason: 'gone', sinceMs: 5 }],
  ])('%s', async (_, nextDueMs, expected) => {
    expect(await nextDueSampler({ admin: { nextDueMs }, now: () => 5, limitMs: 100 }).read()).toEqual(expected);
  });
});
