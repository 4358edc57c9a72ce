// What a user sees of a release from outside, from `helm install` to `helm uninstall`. The tests of one story build on each other.

import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { until } from '../until.ts';
import type { ReachableBroker } from './broker.ts';
import { type OneNode, oneNode } from './cluster.ts';
import { evict } from './eviction.ts';
import { objectsOf } from './leftovers.ts';
import { coldStart, note } from './measurements.ts';
import { publishFromPython } from './python-producer.ts';
import { prepareRelease, type Release } from './release.ts';
import { MAX_REPLICAS, withEnvironment } from './values.ts';

export interface StoryOptions {
  readonly broker: (address: string) => Promise<ReachableBroker>;
  readonly helm: 3 | 4;
  /** How often the rounds under load are repeated. With none the story is short: what differs with a broker or a Helm. */
  readonly rounds: number;
  /** How many times as much work they have. */
  readonly load: number;
}

/** Called in a `describe`. */
export function tellStory(options: StoryOptions): void {
  const { load } = options;
  const rounds = Array.from({ length: options.rounds }, (_, index) => index + 1);
  let cluster: OneNode;
  let broker: ReachableBroker;
  let release: Release;
  let before: readonly string[];
  let installed = false;

  beforeAll(async () => {
    cluster = await oneNode();
    broker = await options.broker(cluster.hostAddress);
    release = await prepareRelease({ cluster, broker, helm: options.helm });
    before = await objectsOf(cluster, release.namespace);
  });
  beforeEach(({ skip, task }) => skip(!installed && !task.name.endsWith('helm install'), 'nothing is installed'));
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') console.error(await release.report());
  });
  afterAll(async () => {
    await release?.[Symbol.asyncDispose]();
    await broker?.stop();
    await cluster?.stop();
  });

  /** More work than all pods can do at once, and two of them at it for as long as it is held. */
  const keepBusy = async (): Promise<readonly string[]> => {
    const ids = await release.publish('jobs', 40 * load, 2_000);
    await until(() => release.ledger.busyPods().length >= 2, { timeoutMs: 120_000, what: 'two busy pods' });
    return ids;
  };
  const everyTask = (): boolean => true;

  it('stands at zero after helm install', async () => {
    await release.install();
    installed = true;
    await release.atZero('node', 'python');
    expect(await release.helm(['status', release.name])).toContain('STATUS: deployed');
  });

  if (rounds.length > 0) {
    it('wakes from zero for one task, and returns what it returned', async () => {
      const publishedAtMs = Date.now();
      // not short: what it takes is learnt, and makes the size that the burst of the next test is given
      const [id = ''] = await release.publish('jobs', 1, 3_000);
      const result = await release.app.sendTask('e2e.environment', { args: ['E2E_ROUND'], queue: 'jobs' });
      expect(await result.get({ timeoutMs: 90_000 })).toBe('first');
      await release.ledger.allEnded([id], 60_000);
      note('one task from zero', coldStart(release, 'node', 'jobs', publishedAtMs));
      await release.atZero('node');
    });
  }

  it('answers a burst from Node and one from Python, each pool from zero in one step', async () => {
    const { ledger, pods, replicas } = release;
    const snakes = Array.from({ length: 24 * load }, (_, index) => `python-${index}`);
    const publishedAtMs = Date.now();
    const [answers, jobs] = await Promise.all([
      publishFromPython(broker, ledger, 'snakes', snakes, 700),
      release.publish('jobs', 24 * load, 700),
    ]);
    await ledger.allEnded([...jobs, ...snakes], 60_000 * load);
    expect(ledger.notOnce([...jobs, ...snakes])).toEqual([]);
    expect(answers.every((pod) => pods.pods('python').some((life) => life.name === pod))).toBe(true);
    for (const pool of ['node', 'python']) {
      const own = pool === 'node' ? jobs : snakes;
      const firstStart = ledger.notes.find(({ event, id }) => event === 'start' && own.includes(id));
      // the first message wakes, the others are still arriving; the size for all of them is asked for before the first pod is up, not by a ramp
      const soon = replicas.changes(pool).filter(({ atMs }) => atMs >= publishedAtMs && atMs < (firstStart?.atMs ?? 0));
      expect(Math.max(...soon.map((change) => change.replicas)), pool).toBeGreaterThanOrEqual(3);
    }
    // under celery-exporter's names, for workers of both kinds
    for (const [pool, ids] of Object.entries({ node: jobs, python: snakes })) {
      const counted = async (): Promise<boolean> => succeededIn(await release.metrics('celery-metrics'), pool) >= ids.length;
      await until(counted, { timeoutMs: 90_000, everyMs: 500, what: `${ids.length} succeeded tasks of pool ${pool} in the metrics` });
    }
    note(`${24 * load} tasks of 0.7 s for each of two pools at zero`, coldStart(release, 'node', 'jobs', publishedAtMs));
    await release.atZero('node', 'python');
  });

  it.each(rounds)('kills nothing when it scales in under load (round %i)', async () => {
    const { ledger, pods, replicas } = release;
    const short = await release.publish('jobs', 40 * load, 500);
    await until(() => replicas.now('node') === MAX_REPLICAS, { timeoutMs: 90_000, what: 'all replicas' });
    await until(() => ledger.lost(short).length <= 8, { timeoutMs: 60_000 * load, what: 'the last of the short tasks' });
    using held = ledger.hold((id) => !short.includes(id));
    const long = await release.publish('jobs', 3, 0);
    await ledger.allEnded(short, 60_000 * load);
    const shrunk = (): boolean => (replicas.now('node') ?? 0) < MAX_REPLICAS && pods.here('node').length < MAX_REPLICAS;
    await until(shrunk, { timeoutMs: 120_000, what: 'fewer pods' });
    expect(ledger.lost(long), 'long tasks were running when it shrank').toEqual(long);
    expect(long.map((id) => ledger.starts(id))).toEqual([1, 1, 1]);
    // work that comes while it shrinks
    const more = await release.publish('jobs', 10 * load, 500);
    held.release();
    await ledger.allEnded([...long, ...more], 120_000);
    expect(ledger.notOnce([...short, ...long, ...more])).toEqual([]);
    expect(pods.pods().flatMap(({ failures }) => failures)).toEqual([]);
    const metrics = await release.metrics('http');
    expect(metrics).toMatch(/^celeriac_tasks_killed_total\{.*pool="node".*\} 0$/m);
    expect(metrics).not.toMatch(/^celeriac_(tasks_killed|wrong_victims)_total\{.*\} [^0]/m);
  });

  it.each(rounds)('loses nothing when busy pods are deleted and evicted, the leading autoscaler with them (round %i)', async () => {
    const { ledger, namespace, pods } = release;
    using held = ledger.hold(everyTask);
    const ids = await keepBusy();
    const [deleted = '', evicted = ''] = ledger.busyPods();
    await cluster.kubectl(['delete', 'pod', deleted, '-n', namespace, '--wait=false']);
    await evict(cluster, namespace, evicted);
    const leaders = await cluster.list('pods', namespace, 'celeriac.dev/role=leader');
    expect(leaders).toHaveLength(1);
    for (const leader of leaders) await evict(cluster, namespace, leader.metadata.name);
    held.release();
    await ledger.allEnded(ids, 120_000 * load);
    expect(ledger.notOnce(ids)).toEqual([]);
    const ended = [deleted, evicted].map((name) => pods.pods('node').find((life) => life.name === name));
    for (const life of ended) expect(life).toMatchObject({ failures: [], deletingAtMs: expect.any(Number) });
  });

  it('loses nothing in a rollout by helm upgrade, which leaves the replicas alone', async () => {
    const { ledger, pods, replicas, namespace } = release;
    using held = ledger.hold(everyTask);
    const ids = await keepBusy();
    const old = pods.here('node').map(({ name }) => name);
    const wanted = replicas.now('node') ?? 0;
    const upgradedAtMs = Date.now();
    await release.upgrade(withEnvironment(cluster, 'upgraded'));
    const during = replicas.changes('node').filter(({ atMs }) => atMs >= upgradedAtMs);
    expect(during.filter((change) => change.replicas < wanted)).toEqual([]);
    held.release();
    await cluster.kubectl(['rollout', 'status', 'deployment/fleet-celeriac-node', '-n', namespace, '--timeout', '4m']);
    await ledger.allEnded(ids, 120_000 * load);
    expect(ledger.notOnce(ids)).toEqual([]);
    const answer = await release.app.sendTask('e2e.environment', { args: ['E2E_ROUND'], queue: 'jobs' });
    expect(await answer.get({ timeoutMs: 60_000 })).toBe('upgraded');
    const replaced = pods.pods('node').filter(({ name }) => old.includes(name));
    expect(replaced.filter(({ deletingAtMs, failures }) => deletingAtMs === undefined || failures.length > 0)).toEqual([]);
  });

  it.each(rounds)(
    'loses nothing when tasks are killed for their memory: they run again, the others do not notice (round %i)',
    async (round) => {
      const { ledger, pods } = release;
      const ids = await release.publish('jobs', 20 * load, 500);
      const devoured = [`devour-${round}-1`, `devour-${round}-2`];
      for (const id of devoured) await release.app.sendTask('e2e.devour', { args: [ledger.url, id], queue: 'jobs' });
      await ledger.allEnded([...ids, ...devoured], 180_000);
      expect(ledger.notOnce(ids)).toEqual([]);
      for (const id of devoured) expect([ledger.starts(id), ledger.ends(id)], id).toEqual([2, 1]);
      expect(pods.pods('node').filter(({ restarts }) => restarts > 0)).toEqual([]);
    },
  );

  it('goes back to zero', async () => {
    await release.atZero('node', 'python');
    expect(release.ledger.busyPods()).toEqual([]);
  });

  if (rounds.length > 0) {
    it('passes helm test', async () => {
      const said = await release.helm(['test', release.name, '--timeout', '4m']);
      expect(said.match(/Phase:\s+Succeeded/g)?.length).toBe(2);
      await release.atZero('node');
    });
  }

  it('leaves nothing behind after helm uninstall but what its notes say', async () => {
    const notes = await release.helm(['get', 'notes', release.name]);
    await release.helm(['uninstall', release.name, '--wait', '--timeout', '4m']);
    const said = (object: string): boolean => {
      const [kind = '', name] = object.split('/');
      return notes.includes(`delete ${kind.split('.')[0]} ${name}`);
    };
    const left = async (): Promise<readonly string[]> =>
      (await objectsOf(cluster, release.namespace)).filter((object) => !before.includes(object) && !said(object));
    const gone = async (): Promise<boolean> => (await left()).length === 0;
    await until(gone, { timeoutMs: 120_000, everyMs: 500, what: 'nothing left' }).catch(async () => expect(await left()).toEqual([]));
  });
}

/** What `celery_task_succeeded_total` says of the workers of a pool. */
function succeededIn(metrics: string, pool: string): number {
  const host = `hostname="fleet-celeriac-${pool}-`;
  const lines = metrics.split('\n').filter((line) => line.startsWith('celery_task_succeeded_total{') && line.includes(host));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
