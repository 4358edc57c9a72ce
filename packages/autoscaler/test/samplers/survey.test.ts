import { applyFleetEvents, emptyFleet, type FleetState } from '@celeriac/brokers';
import { describe, expect, it } from 'vitest';
import { type Inspection, survey } from '../../src/samplers/survey.ts';
import type { TargetReplica } from '../../src/targets/target.ts';
import { NOW } from '../pool-fixtures.ts';

const running: TargetReplica = {
  id: 'p-1',
  nodename: 'p-1@h',
  host: null,
  phase: 'running',
  why: null,
  pid: 1,
  startedAtMs: NOW - 10_000,
  empty: false,
  probe: false,
};
const beat = (atMs: number, fields: Record<string, unknown> = {}): FleetState =>
  applyFleetEvents(emptyFleet, [
    { event: { type: 'worker-heartbeat', hostname: 'p-1@h', pid: 1, freq: 2, active: 1, processed: 3, ...fields }, atMs },
  ]);
const look = (fleet: FleetState, changes: { replica?: Partial<TargetReplica>; inspection?: Inspection } = {}) =>
  survey(NOW, {
    replicas: [{ ...running, ...changes.replica }],
    fleet,
    inspections: new Map(changes.inspection === undefined ? [] : [['p-1@h', changes.inspection]]),
    slots: new Map(),
    cordoned: new Set(),
  })[0];

describe('joining what the target and the workers say', () => {
  it('is starting until its worker is heard of', () => {
    expect(look(emptyFleet)).toMatchObject({ phase: 'starting', onlineAtMs: null, active: { kind: 'unavailable' } });
  });

  it('does not take an earlier worker of the same name for it', () => {
    expect(look(beat(NOW - 20_000))).toMatchObject({ phase: 'starting' });
  });

  it('takes the numbers of one of ours as they are', () => {
    expect(look(beat(NOW - 500, { reserved: 2, slots: 4 }))).toMatchObject({
      phase: 'ready',
      slots: 4,
      active: { kind: 'reading', value: 1, atMs: NOW - 500 },
      reserved: { kind: 'reading', value: 2 },
      scheduled: { kind: 'reading', value: 0 },
    });
  });

  it('leaves what a Python worker holds unknown until it was asked, and again ten seconds later', () => {
    const inspection = { atMs: NOW - 9_000, active: 1, reserved: 4, scheduled: 2 };
    expect(look(beat(NOW - 500))).toMatchObject({
      active: { value: 1 },
      reserved: { kind: 'unavailable' },
      scheduled: { kind: 'unavailable' },
    });
    expect(look(beat(NOW - 500), { inspection })).toMatchObject({ reserved: { value: 4 }, scheduled: { value: 2 } });
    expect(look(beat(NOW - 500), { inspection: { ...inspection, atMs: NOW - 10_001 } })).toMatchObject({
      reserved: { kind: 'unavailable' },
    });
  });

  it('takes silence for unknown, never for idle', () => {
    expect(look(beat(NOW - 4_001, { active: 0, reserved: 0 }))).toMatchObject({
      phase: 'ready',
      active: { kind: 'unavailable' },
      reserved: { kind: 'unavailable' },
    });
  });

  it('keeps the target’s word for leaving and stuck, and believes a goodbye', () => {
    expect(look(beat(NOW - 500), { replica: { phase: 'leaving' } })).toMatchObject({ phase: 'leaving' });
    expect(look(emptyFleet, { replica: { phase: 'stuck', why: 'image' } })).toMatchObject({ phase: 'stuck', why: 'image' });
    const goodbye = applyFleetEvents(beat(NOW - 500), [{ event: { type: 'worker-offline', hostname: 'p-1@h', pid: 1 }, atMs: NOW - 100 }]);
    expect(look(goodbye)).toMatchObject({ phase: 'leaving' });
  });
});
