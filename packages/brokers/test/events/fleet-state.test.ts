import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyFleetEvent, applyFleetEvents, emptyFleet, type FleetEvent, forgetWorkers, presenceOf } from '../../src/events/fleet-state.ts';

// As a Celery 5.6 worker sends it (research: celery-wire 8.3).
const pythonHeartbeat: FleetEvent = {
  type: 'worker-heartbeat',
  hostname: 'w1@lab',
  utcoffset: 0,
  pid: 22107,
  clock: 3,
  freq: 2.0,
  active: 2,
  processed: 7,
  loadavg: [1.05, 1.4, 0.93],
  sw_ident: 'py-celery',
  sw_ver: '5.6.2',
  sw_sys: 'Linux',
  timestamp: 1795164719.24,
};

describe('what a worker says of itself', () => {
  it('keeps the numbers of a Python heartbeat and leaves what it does not state unknown', () => {
    const worker = applyFleetEvent(emptyFleet, pythonHeartbeat, 1_000).get('w1@lab');
    expect(worker).toMatchObject({
      active: 2,
      processed: 7,
      reserved: null,
      slots: null,
      swIdent: 'py-celery',
      pid: 22107,
      lastSeenMs: 1_000,
    });
  });

  it('reads reserved and slots where a worker states them', () => {
    const worker = applyFleetEvent(emptyFleet, { ...pythonHeartbeat, reserved: 3, slots: 4 }, 1_000).get('w1@lab');
    expect(worker).toMatchObject({ reserved: 3, slots: 4 });
  });

  it.each([
    ['active', -1],
    ['active', '2'],
    ['active', Number.NaN],
    ['reserved', 1.5],
    ['slots', null],
    ['processed', Infinity],
  ])('takes %s: %s as unknown, not as zero', (field, value) => {
    const worker = applyFleetEvent(emptyFleet, { ...pythonHeartbeat, [field]: value }, 1_000).get('w1@lab');
    expect(worker?.[field as 'active']).toBeNull();
  });

  it('forgets the old numbers when an answer to a remote heartbeat request carries none', () => {
    const first = applyFleetEvent(emptyFleet, pythonHeartbeat, 1_000);
    const bare = { type: 'worker-heartbeat', hostname: 'w1@lab', pid: 22107, freq: 5, sw_ident: 'py-celery' };
    expect(applyFleetEvent(first, bare, 2_000).get('w1@lab')).toMatchObject({ active: null, processed: 7, heartbeatEveryMs: 5_000 });
  });

  it('starts a new life at worker-online, at another pid and when processed falls back', () => {
    const first = applyFleetEvent(emptyFleet, pythonHeartbeat, 1_000);
    for (const again of [
      { ...pythonHeartbeat, type: 'worker-online', processed: 0 },
      { ...pythonHeartbeat, pid: 9, processed: 8 },
      { ...pythonHeartbeat, processed: 1 },
    ]) {
      const worker = applyFleetEvent(first, again, 5_000).get('w1@lab');
      expect(worker).toMatchObject({ firstSeenMs: 5_000, processedAtFirst: again.processed });
    }
    expect(applyFleetEvent(first, { ...pythonHeartbeat, processed: 9 }, 5_000).get('w1@lab')).toMatchObject({
      firstSeenMs: 1_000,
      processedAtFirst: 7,
    });
  });
});

describe('presence', () => {
  const seen = applyFleetEvent(emptyFleet, pythonHeartbeat, 10_000).get('w1@lab')!;

  it.each([
    [10_000, 'online'],
    [13_999, 'online'],
    [14_000, 'silent'],
    [99_999, 'silent'],
  ])('at %i ms it is %s', (nowMs, presence) => {
    expect(presenceOf(seen, nowMs)).toBe(presence);
  });

  it('is offline from worker-offline until it comes again', () => {
    const gone = applyFleetEvent(new Map([['w1@lab', seen]]), { type: 'worker-offline', hostname: 'w1@lab' }, 11_000);
    expect(presenceOf(gone.get('w1@lab')!, 11_001)).toBe('offline');
    expect(presenceOf(applyFleetEvent(gone, pythonHeartbeat, 12_000).get('w1@lab')!, 12_001)).toBe('online');
  });

  it('does not believe an interval of days', () => {
    const worker = applyFleetEvent(emptyFleet, { ...pythonHeartbeat, freq: 1e9 }, 0).get('w1@lab')!;
    expect(presenceOf(worker, 601_000)).toBe('silent');
  });
});

describe('the fleet', () => {
  it('is left as it is, the same object, by what is no worker event', () => {
    const state = applyFleetEvent(emptyFleet, pythonHeartbeat, 1);
    for (const event of [
      { type: 'task-succeeded', hostname: 'w1@lab' },
      { type: 'worker-heartbeat' },
      { type: 'worker-heartbeat', hostname: 7 },
      { type: 'worker-heartbeat', hostname: 'x'.repeat(300) },
      { type: 'worker-elect', hostname: 'w1@lab' },
    ]) {
      expect(applyFleetEvent(state, event, 2)).toBe(state);
    }
  });

  it('forgets who is gone, and only those', () => {
    const state = applyFleetEvents(emptyFleet, [
      { event: pythonHeartbeat, atMs: 1_000 },
      { event: { ...pythonHeartbeat, hostname: 'w2@lab' }, atMs: 50_000 },
    ]);
    expect([...forgetWorkers(state, 61_001, 60_000).keys()]).toEqual(['w2@lab']);
    expect(forgetWorkers(state, 61_000, 60_000)).toBe(state);
  });

  it('never throws and never makes a number up, whatever arrives', () => {
    const anyEvent = fc.record(
      {
        type: fc.constantFrom('worker-online', 'worker-heartbeat', 'worker-offline', 'task-sent', ''),
        hostname: fc.oneof(fc.constantFrom('a@h', 'b@h'), fc.anything()),
        pid: fc.anything(),
        freq: fc.anything(),
        active: fc.anything(),
        reserved: fc.anything(),
        processed: fc.anything(),
        slots: fc.anything(),
        sw_ident: fc.anything(),
      },
      { requiredKeys: ['type'] },
    );
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 20 }), (events) => {
        const stated = new Set(events.flatMap((event) => [event.active, event.reserved, event.slots]));
        let state = emptyFleet;
        for (const [index, event] of events.entries()) state = applyFleetEvent(state, event, index * 100);
        for (const worker of state.values()) {
          for (const number of [worker.active, worker.reserved, worker.slots]) expect(number === null || stated.has(number)).toBe(true);
        }
      }),
    );
  });

  it('gives the same state for one batch as event by event', () => {
    const events = [pythonHeartbeat, { ...pythonHeartbeat, active: 0, processed: 9 }, { type: 'worker-offline', hostname: 'w1@lab' }];
    const oneByOne = events.reduce((state, event, index) => applyFleetEvent(state, event, index), emptyFleet);
    expect(
      applyFleetEvents(
        emptyFleet,
        events.map((event, index) => ({ event, atMs: index })),
      ),
    ).toEqual(oneByOne);
  });
});
