import { describe, expect, it } from 'vitest';
import type { KubeFailure } from '../../src/kubernetes/failure.ts';
import { leavesWriteOpen, pauseAsked, retryAfterMs, retryVerdict } from '../../src/kubernetes/retry.ts';

const failure = (fields: Partial<KubeFailure>): KubeFailure => ({
  status: null,
  reason: 'Unknown',
  retryAfterMs: null,
  outcomeUnknown: false,
  ...fields,
});
const options = { attempts: 4, random: 0.5 };

describe('whether a call is repeated', () => {
  it.each([
    { status: 429 },
    { status: 500 },
    { status: 502 },
    { status: 503 },
    { status: 504 },
    { reason: 'Timeout' },
    { reason: 'ConnectionLost' },
  ])('repeats after %o', (fields) => {
    expect(retryVerdict(1, failure(fields), options).kind).toBe('retry');
  });

  it.each([{ status: 400 }, { status: 403 }, { status: 404 }, { status: 409 }, { status: 410 }, { status: 422 }, { status: 301 }])(
    'gives up after %o',
    (fields) => {
      expect(retryVerdict(1, failure(fields), options)).toEqual({ kind: 'give-up' });
    },
  );

  it.each(['MayNotWrite', 'Aborted', 'NotJson'])('gives up after %s', (reason) => {
    expect(retryVerdict(1, failure({ reason }), options)).toEqual({ kind: 'give-up' });
  });

  it('never repeats a write of which nobody knows whether it was carried out', () => {
    for (const status of [null, 500, 504]) {
      expect(retryVerdict(1, failure({ status, reason: 'Timeout', outcomeUnknown: true }), options)).toEqual({ kind: 'give-up' });
    }
  });

  it('asks once more with credentials that were read again, not twice', () => {
    expect(retryVerdict(1, failure({ status: 401 }), options).kind).toBe('retry');
    expect(retryVerdict(2, failure({ status: 401 }), options).kind).toBe('give-up');
  });

  it('stops at the last attempt', () => {
    expect(retryVerdict(3, failure({ status: 503 }), options).kind).toBe('retry');
    expect(retryVerdict(4, failure({ status: 503 }), options).kind).toBe('give-up');
  });

  it('waits longer each time, within limits', () => {
    const waits = [1, 2, 3, 20].map((attempt) => retryVerdict(attempt, failure({ status: 500 }), { attempts: 99, random: 0.999 }));
    expect(waits.map((verdict) => (verdict.kind === 'retry' ? Math.round(verdict.afterMs) : null))).toEqual([250, 500, 1_000, 9_995]);
    expect(waits.every((verdict) => verdict.kind === 'retry' && verdict.pauseAllMs === 0)).toBe(true);
  });

  it('honours Retry-After and lets everybody pause for it', () => {
    const verdict = retryVerdict(1, failure({ status: 429, retryAfterMs: 3_000 }), options);
    expect(verdict).toMatchObject({ kind: 'retry', pauseAllMs: 3_000 });
    expect(verdict.kind === 'retry' && verdict.afterMs).toBeGreaterThanOrEqual(3_000);
  });
});

describe('Retry-After', () => {
  it('is read as seconds and as a date', () => {
    const nowMs = Date.parse('Sat, 21 Nov 2026 12:00:00 GMT');
    expect(retryAfterMs('7', nowMs)).toBe(7_000);
    expect(retryAfterMs('Sat, 21 Nov 2026 12:00:30 GMT', nowMs)).toBe(30_000);
    expect(retryAfterMs('Sat, 21 Nov 2026 11:00:00 GMT', nowMs)).toBe(0);
    expect(retryAfterMs('soon', nowMs)).toBeNull();
    expect(retryAfterMs(undefined, nowMs)).toBeNull();
  });

  it('is taken at its word for a minute at most, and of 429 and 503 only', () => {
    expect(pauseAsked(failure({ status: 503, retryAfterMs: 3_600_000 }))).toBe(60_000);
    expect(pauseAsked(failure({ status: 500, retryAfterMs: 5_000 }))).toBe(0);
    expect(pauseAsked(failure({ status: 429 }))).toBe(0);
  });
});

it('tells answers that may follow a write that was carried out', () => {
  expect([500, 502, 504].map(leavesWriteOpen)).toEqual([true, true, true]);
  expect([409, 429, 501, 503].map(leavesWriteOpen)).toEqual([false, false, false, false]);
});
