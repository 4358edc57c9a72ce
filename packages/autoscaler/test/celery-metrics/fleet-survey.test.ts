import { describe, expect, it } from 'vitest';
import { createFleetSurvey } from '../../src/celery-metrics/fleet-survey.ts';

function rig(answers: Readonly<Record<string, ReadonlyMap<string, unknown> | Error>>) {
  let nowMs = 0;
  const asked: string[] = [];
  const survey = createFleetSurvey({
    control: {
      request: async (method) => {
        asked.push(method);
        const answer = answers[method] ?? new Map();
        if (answer instanceof Error) throw answer;
        return new Map(answer);
      },
    },
    admin: {
      depths: async (names) => new Map(names.map((name): [string, number | Error] => [name, name === 'bad' ? new Error('no') : 2])),
    },
    queues: ['emails', 'bad'],
    online: () => 1,
    now: () => nowMs,
  });
  const at = (ms: number): void => {
    nowMs = ms;
  };
  return { survey, asked, at };
}

describe('a survey', () => {
  it('adds up workers and their processes by queue, and keeps queues it has seen', async () => {
    const serving = new Map<string, unknown>([
      ['a@x', [{ name: 'emails' }, { name: 'more' }]],
      ['b@x', [{ name: 'emails' }]],
      ['c@x', { error: 'odd' }],
    ]);
    const stats = new Map<string, unknown>([
      ['a@x', { pool: { processes: [1, 2, 3] } }],
      ['b@x', { pool: { processes: 'N/A' } }],
    ]);
    const { survey, asked, at } = rig({ active_queues: serving, stats });
    const figures = await survey.read();
    expect(figures.get('emails')).toEqual({ length: 2, consumers: null, workers: 2, processes: 3 });
    expect(figures.get('bad')).toEqual({ length: null, consumers: null, workers: 0, processes: 0 });
    serving.clear();
    at(4_999);
    expect((await survey.read()).get('more')?.workers).toBe(1);
    expect(asked).toHaveLength(2);
    at(5_000);
    expect((await survey.read()).get('more')).toEqual({ length: 2, consumers: null, workers: 0, processes: 0 });
    expect(asked).toHaveLength(4);
  });

  it('says nothing of workers that could not be asked', async () => {
    const { survey } = rig({ active_queues: new Error('no connection') });
    expect((await survey.read()).get('emails')).toEqual({ length: 2, consumers: null, workers: null, processes: null });
  });
});
