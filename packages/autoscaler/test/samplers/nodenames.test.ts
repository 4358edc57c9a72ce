import { applyFleetEvents, emptyFleet, type FleetState } from '@celeriac/brokers';
import { describe, expect, it } from 'vitest';
import { hostOf, nodenamesOf } from '../../src/samplers/nodenames.ts';
import { survey } from '../../src/samplers/survey.ts';
import type { TargetReplica } from '../../src/targets/target.ts';
import { NOW } from '../pool-fixtures.ts';

const pod = (host: string, startedAtMs = NOW - 10_000): TargetReplica => ({
  id: host,
  nodename: null,
  host,
  phase: 'running',
  why: null,
  pid: null,
  startedAtMs,
  empty: false,
  probe: false,
});
const fleet = (...beats: readonly (readonly [name: string, atMs: number, type?: string])[]): FleetState =>
  applyFleetEvents(
    emptyFleet,
    beats.map(([hostname, atMs, type = 'worker-heartbeat']) => ({ event: { type, hostname, pid: 1, freq: 2, active: 0 }, atMs })),
  );
const names = (replica: TargetReplica, state: FleetState): readonly string[] => nodenamesOf([replica], state).get(replica.id) ?? [];

describe('a worker is matched to its pod', () => {
  it.each([
    ['celery@web-1', 'web-1'],
    ['w1@web-1.web.app.svc.cluster.local', 'web-1'],
    ['team@x@web-1', 'web-1'],
    ['web-1', 'web-1'],
  ])('by the host of %s', (nodename, host) => {
    expect(hostOf(nodename)).toBe(host);
    expect(names(pod('web-1'), fleet([nodename, NOW]))).toEqual([nodename]);
  });

  it('and by no other part of its name', () => {
    expect(names(pod('web-1'), fleet(['web-1@other', NOW], ['celery@web-10', NOW]))).toEqual([]);
  });

  it('only by what it said in this life of the pod', () => {
    expect(names(pod('web-1', NOW - 1_000), fleet(['celery@web-1', NOW - 1_001]))).toEqual([]);
  });

  it('not while two of them name the host, unless one of these said goodbye', () => {
    const two = fleet(['a@web-1', NOW - 500], ['b@web-1', NOW]);
    expect(names(pod('web-1'), two)).toEqual(['a@web-1', 'b@web-1']);
    expect(names(pod('web-1'), fleet(['a@web-1', NOW - 500], ['b@web-1', NOW], ['a@web-1', NOW, 'worker-offline']))).toEqual(['b@web-1']);
  });
});

it('a pod with two workers is busy: up, with nothing known of it, and nobody to be told', () => {
  const [seen] = survey(NOW, {
    replicas: [pod('web-1')],
    fleet: fleet(['a@web-1', NOW - 500], ['b@web-1', NOW]),
    inspections: new Map(),
    slots: new Map(),
    cordoned: new Set(),
  });
  expect(seen).toMatchObject({
    phase: 'ready',
    nodename: null,
    active: { kind: 'unavailable', reason: '2 workers in it: a@web-1, b@web-1' },
  });
});

it('a pod that is heard of is not empty, whatever its target says', () => {
  const look = (state: FleetState) =>
    survey(NOW, {
      replicas: [{ ...pod('web-1'), empty: true }],
      fleet: state,
      inspections: new Map(),
      slots: new Map(),
      cordoned: new Set(),
    })[0];
  expect(look(emptyFleet)).toMatchObject({ phase: 'starting', empty: true });
  expect(look(fleet(['celery@web-1', NOW]))).toMatchObject({ empty: false });
});
