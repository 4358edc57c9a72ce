import { isCeleriacError } from '@celeriac/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDurationMs } from '../../src/config/duration.ts';
import { nearestName } from '../../src/config/nearest-name.ts';
import { poolsJsonSchema, readPools } from '../../src/config/read-pools.ts';

const full = `
broker: { url: redis://localhost:6379/0 }
pools:
  default:
    queues: [celery, emails]
    slotsPerReplica: 4
    scaling:
      mode: on
      min: 0
      max: 20
      goal: { queueWait: 10s }
      idleToZero: 5m
      downDelay: 2m
      fallback: { replicas: 2, after: 1m }
    target: { deployment: { namespace: app, name: celery-worker } }
  local:
    queues: [reports]
    target: { local: { command: [celeriac, worker, -A, tasks.ts, -Q, "{queues}", -n, "{name}"] } }
`;

async function faultsOf(text: string): Promise<string> {
  const error: unknown = await readPools(text).then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!isCeleriacError(error, 'CELERIAC_E_CONFIG')) throw new Error(`not refused: ${String(error)}`);
  return error.message;
}

const pool = (lines: string): string => `pools:\n  default:\n    queues: [celery]\n    target: { local: { command: [x] } }\n${lines}`;

describe('pools.yaml', () => {
  it('is read in the shape of the design, durations in ms and defaults filled in', async () => {
    const config = await readPools(full);
    expect(config.broker?.source).toEqual({ url: 'redis://localhost:6379/0' });
    expect(config.pools).toMatchObject([
      {
        spec: {
          pool: 'default',
          queues: [
            { name: 'celery', waitGoalMs: 10_000 },
            { name: 'emails', waitGoalMs: 10_000 },
          ],
          slotsPerReplica: 4,
          mode: 'on',
          min: 0,
          max: 20,
          idleToZeroMs: 300_000,
          downDelayMs: 120_000,
          fallback: { replicas: 2, afterMs: 60_000 },
        },
        target: { kind: 'deployment', namespace: 'app', name: 'celery-worker' },
      },
      { spec: { pool: 'local', mode: 'on', min: 0, max: 10, slotsPerReplica: null, fallback: null }, target: { kind: 'local' } },
    ]);
  });

  it.each<[string, string, RegExp]>([
    [
      'an unknown key, with the nearest and its line',
      pool('    scaling:\n      idleToZreo: 5m\n'),
      /line 6: pools\.default\.scaling\.idleToZreo: unknown key; did you mean idleToZero\?/,
    ],
    ['an unknown key in another spelling', pool('    slots_per_replica: 4\n'), /line 5: .*did you mean slotsPerReplica\?/],
    ['an unknown key far from all', pool('    zzzzzzz: 1\n'), /line 5: .*known here: queues, slotsPerReplica, size, scaling, target/],
    ['an unknown key at the top', `brokr: { url: x }\n${pool('')}`, /line 1: brokr: unknown key; did you mean broker\?/],
    ['a bare number for a duration', pool('    scaling:\n      downDelay: 30\n'), /line 6: pools\.default\.scaling\.downDelay: /],
    ['a duration in words', pool('    scaling: { downDelay: soon }\n'), /line 5: .*a duration is a number and its unit/],
    ['min above max', pool('    scaling:\n      max: 2\n      min: 3\n'), /line 7: pools\.default\.scaling\.min: min 3 is above max 2/],
    ['a fallback above max', pool('    scaling: { max: 2, fallback: { replicas: 3 } }\n'), /3 is above max 2/],
    [
      'a queue in two pools',
      'pools:\n  a:\n    queues: [q, r]\n    target: { local: { command: [x] } }\n  b:\n    queues:\n      - s\n      - r\n    target: { local: { command: [x] } }\n',
      /line 8: pools\.b\.queues\.1: queue r belongs to pool a already/,
    ],
    ['no target', 'pools:\n  a:\n    queues: [q]\n    target: {}\n', /line 4: pools\.a\.target: give exactly one of local and deployment/],
    ['both url and urlFile', `broker: { url: a, urlFile: b }\n${pool('')}`, /line 1: broker: give either url or urlFile/],
    ['no queue', 'pools:\n  a:\n    queues: []\n    target: { local: { command: [x] } }\n', /line 3: pools\.a\.queues/],
    ['a key twice', 'pools: {}\npools: {}\n', /line 2: Map keys must be unique/],
    ['no YAML', 'pools: [', /line 1/],
    ['nothing', '', /line 1/],
  ])('refuses %s', async (_, text, message) => {
    expect(await faultsOf(text)).toMatch(message);
  });

  it('names every fault at once', async () => {
    const message = await faultsOf(pool('    scaling: { mode: maybe, mx: 3 }\n'));
    expect(message).toContain('mode');
    expect(message).toContain('did you mean max?');
  });

  it('never repeats the broker URL', async () => {
    expect(await faultsOf(`broker: { url: "redis://:hunter2@h/0", urlfile: x }\n${pool('')}`)).not.toContain('hunter2');
  });

  it('takes the booleans that a YAML 1.1 writer makes of on and off', async () => {
    const modeOf = async (mode: string): Promise<string | undefined> =>
      (await readPools(pool(`    scaling: { mode: ${mode} }\n`))).pools[0]?.spec.mode;
    expect([await modeOf('true'), await modeOf('false'), await modeOf('on'), await modeOf('off')]).toEqual(['on', 'off', 'on', 'off']);
  });

  it('has a JSON Schema from the same source', async () => {
    const schema = JSON.stringify(await poolsJsonSchema());
    expect(schema).toMatch(/"idleToZero":\{[^}]*"default":"5m"/);
    expect(schema).toContain('"additionalProperties":false');
    expect(schema).toContain('slotsPerReplica');
  });
});

describe('durations', () => {
  it.each([
    ['250ms', 250],
    ['10s', 10_000],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['0s', 0],
    ['10', null],
    ['10 s', null],
    ['-1s', null],
    ['1e3s', null],
    ['s', null],
    ['', null],
    ['5m30s', null],
  ])('%j is %s', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });
});

describe('the nearest name', () => {
  it('finds a name with one slip in it, whichever', () => {
    const names = ['queues', 'slotsPerReplica', 'scaling', 'target', 'idleToZero', 'downDelay', 'fallback'];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), fc.constantFrom('drop', 'double', 'swap'), (name, where, slip) => {
        const at = 1 + (where % (name.length - 2));
        const wrong =
          slip === 'drop'
            ? name.slice(0, at) + name.slice(at + 1)
            : slip === 'double'
              ? name.slice(0, at) + name[at] + name.slice(at)
              : name.slice(0, at) + name[at + 1] + name[at] + name.slice(at + 2);
        expect(nearestName(wrong, names)).toBe(name);
      }),
    );
  });
  it('finds none where none is meant', () => {
    expect(nearestName('zzzz', ['queues', 'target'])).toBeUndefined();
  });
});

describe('the size of a pool', () => {
  const sized = (size: string): string => pool(`    size: ${size}\n`);

  it('stays as it is written', async () => {
    const size = "{ cpu: 500m, memory: 4Gi, gpu: { count: 2, model: a100 }, image: 'app:2', labels: { zone: a }, perTask: { gpu: 0.5 } }";
    expect((await readPools(sized(size))).pools[0]?.size).toEqual({
      cpu: '500m',
      memory: '4Gi',
      gpu: { count: 2, model: 'a100' },
      image: 'app:2',
      labels: { zone: 'a' },
      perTask: { gpu: 0.5 },
    });
    expect((await readPools(pool(''))).pools[0]?.size).toBeUndefined();
  });

  it.each([
    ['{ memory: 4GB }', 'line 5: pools.default.size.memory: "4GB" is not a quantity; write 4G for powers of 1,000 or 4Gi'],
    ['{ cpu: -1 }', 'pools.default.size.cpu: -1 is negative'],
    ['{ memroy: 4Gi }', 'pools.default.size.memroy: unknown key; did you mean memory?'],
    [
      '{ perTask: { memory: 400m } }',
      'pools.default.size.perTask.memory: "400m" is less than one byte: m is a thousandth; write 400M or 400Mi',
    ],
    ['{ gpu: 0.5 }', 'pools.default.size.gpu'],
  ])('%s is refused', async (size, text) => {
    expect(await faultsOf(sized(size))).toContain(text);
  });
});
