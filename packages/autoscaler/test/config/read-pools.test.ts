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
    [
      'an unknown key far from all',
      pool('    zzzzzzz: 1\n'),
      /line 5: .*known here: queues, slotsPerReplica, size, budget, scaling, target/,
    ],
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

  it('reads orders, schedules, budgets, goals of single queues, the cluster and the lease', async () => {
    const config = await readPools(`
kubernetes: { kubeconfig: /etc/kube, namespace: app }
lease: { name: mine, duration: 30s }
budgets:
  cluster: { cpu: '7.5', memory: 2Gi, gpu: 1, replicas: 9 }
pools:
  a:
    queues: [q, emails]
    size: { cpu: 500m, memory: 512Mi }
    budget: { from: cluster, tier: 0, weight: 2.5 }
    scaling:
      paused: out
      replicas: 3
      goal: { queueWait: 1m, queues: { emails: 30s } }
      schedules:
        - { from: '0 8 * * 1-5', to: '0 18 * * 1-5', timeZone: Europe/Berlin, min: 2 }
    target: { deployment: { name: w, otherWriters: ignore, minGracePeriod: 10m } }
`);
    expect(config).toMatchObject({
      kubernetes: { kubeconfig: '/etc/kube', context: undefined, namespace: 'app' },
      lease: { name: 'mine', durationMs: 30_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 },
    });
    expect(config.budgets?.get('cluster')).toEqual({ cpu: 7_500, memory: 2_147_483_648, gpu: 1, replicas: 9 });
    expect(config.pools[0]).toMatchObject({
      spec: {
        pause: 'out',
        fixed: 3,
        queues: [
          { name: 'q', waitGoalMs: 60_000 },
          { name: 'emails', waitGoalMs: 30_000 },
        ],
      },
      budget: { from: 'cluster', tier: 0, weight: 2.5 },
      schedules: [{ from: '0 8 * * 1-5', to: '0 18 * * 1-5', timeZone: 'Europe/Berlin', min: 2, max: 10 }],
      target: {
        kind: 'deployment',
        otherWriters: 'ignore',
        startTimeoutMs: 300_000,
        provisionTimeoutMs: 900_000,
        minGracePeriodMs: 600_000,
      },
    });
  });

  it('has a lease where a pool scales a Deployment, and none on one machine or where it is off', async () => {
    expect((await readPools(full)).lease).toMatchObject({ name: 'celeriac-autoscaler', durationMs: 15_000 });
    expect((await readPools(pool(''))).lease).toBeNull();
    expect((await readPools(`lease: off\n${full}`)).lease).toBeNull();
    expect((await readPools(`lease: false\n${full}`)).lease).toBeNull();
  });

  const sized = (size: string, budget: string, scaling = ''): string =>
    `${pool(`    size: ${size}\n    budget:\n      from: ${budget}\n${scaling}`)}budgets:\n  cluster:\n    cpu: 10\n`;
  const windows = (...lines: readonly string[]): string =>
    pool(`    scaling:\n      schedules:\n${lines.map((line) => `        - ${line}\n`).join('')}`);
  it.each<[string, string, RegExp]>([
    ['a budget that is not there', sized('{ cpu: 1 }', 'clustr'), /line 7: pools\.default\.budget\.from: .*did you mean cluster\?/],
    [
      'a pool without the size a budget limits',
      sized('{ memory: 1Gi }', 'cluster'),
      /line 6: .*budget cluster limits cpu: say what one replica has/,
    ],
    ['a replica larger than its budget', sized('{ cpu: 12 }', 'cluster'), /line 6: .*one replica takes 12 cpu, budget cluster has 10 cpu/],
    [
      'more min than there is budget',
      sized('{ cpu: 3 }', 'cluster', '    scaling: { min: 4 }\n'),
      /line 11: budgets\.cluster\.cpu: its pools' min alone take 12 cpu of 10 cpu/,
    ],
    ['a budget of nothing', `budgets: { b: {} }\n${pool('')}`, /line 1: budgets\.b: limits nothing; give cpu, memory, gpu, replicas/],
    ['an amount that is none', `budgets: { b: { memory: 4GB } }\n${pool('')}`, /line 1: budgets\.b\.memory: .*write 4G /],
    ['an hour that is not there', windows("{ from: '0 25 * * *', to: '0 1 * * *', min: 1 }"), /line 7: .*from: Invalid value for hour: 25/],
    ['too few fields', windows("{ from: '0 8', to: '0 9 * * *', min: 1 }"), /line 7: .*from: 2 fields where five are needed/],
    ['seconds', windows("{ from: '0 0 8 * * *', to: '0 9 * * *', min: 1 }"), /6 fields where five are needed/],
    ['a day that never comes', windows("{ from: '0 8 31 2 *', to: '0 9 * * *', min: 1 }"), /from: 0 8 31 2 \* never comes/],
    [
      'a zone that is not there',
      windows("{ from: '0 8 * * *', to: '0 9 * * *', timeZone: Europe/Berlim, min: 1 }"),
      /line 7: .*timeZone: no time zone Europe\/Berlim; write an IANA name/,
    ],
    ['a window without bounds', windows("{ from: '0 8 * * *', to: '0 9 * * *' }"), /line 7: .*schedules\.0: give min, max or both/],
    ['a window of no length', windows("{ from: '0 8 * * *', to: '0 8 * * *', min: 1 }"), /ends when it begins/],
    [
      'a window above the max of its pool',
      windows("{ from: '0 8 * * *', to: '0 9 * * *', min: 1 }", "{ from: '0 8 * * *', to: '0 9 * * *', min: 11 }"),
      /line 8: .*schedules\.1\.min: min 11 is above max 10 of the pool/,
    ],
    [
      'a goal for a queue of another pool',
      pool('    scaling:\n      goal:\n        queues: { other: 1s }\n'),
      /line 7: .*queues\.other: not a queue of this pool, which serves celery/,
    ],
    ['a lease nobody can keep', `lease: { duration: 5s }\n${pool('')}`, /lease\.renewDeadline: must be shorter than duration/],
    ['a misspelt key of a lease', `lease: { nmae: x }\n${pool('')}`, /line 1: lease\.nmae: unknown key; did you mean name\?/],
    ['a lease in words', `lease: maybe\n${pool('')}`, /line 1: lease: off or \{ name, \.\.\. \}/],
    ['a pause in words', pool('    scaling: { paused: later }\n'), /line 5: .*paused: true, false, in or out/],
    [
      'a Deployment in two pools',
      'pools:\n  a: { queues: [q], target: { deployment: { name: w } } }\n  b: { queues: [r], target: { deployment: { name: w } } }\n',
      /line 3: .*Deployment w belongs to pool a already/,
    ],
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
