import { describe, expect, test } from 'vitest';
import { choose, type Facts } from '../../src/strategy/choose.ts';
import { requestOf } from '../requests.ts';

const NOW_MS = 1_800_000_000_000;
const at = (offsetMs: number) => ({ text: 'as sent', epochMs: NOW_MS + offsetMs });
const facts = (changes: Partial<Facts> = {}): Facts => ({
  request: requestOf(),
  maxDeliveries: 3,
  losses: 0,
  revoked: false,
  succeededBefore: false,
  ...changes,
});

describe('choose', () => {
  const cases: [string, Facts, unknown][] = [
    ['runs what nothing speaks against', facts(), { kind: 'run' }],
    ['drops a task nobody registered', facts({ maxDeliveries: null }), { kind: 'drop', why: 'unknown-task', state: 'FAILURE' }],
    ['drops what has expired', facts({ request: requestOf({ expires: at(-1) }) }), { kind: 'drop', why: 'expired', state: 'REVOKED' }],
    ['runs what expires this very millisecond', facts({ request: requestOf({ expires: at(0) }) }), { kind: 'run' }],
    ['drops what is revoked', facts({ revoked: true }), { kind: 'drop', why: 'revoked', state: 'REVOKED' }],
    ['does not repeat a success', facts({ succeededBefore: true }), { kind: 'drop', why: 'already-succeeded', state: null }],
    [
      'lets a success go first, though it has expired',
      facts({ succeededBefore: true, request: requestOf({ expires: at(-1) }) }),
      { why: 'already-succeeded' },
    ],
    ['runs after one loss fewer than the bound', facts({ losses: 2 }), { kind: 'run' }],
    ['quarantines at the bound', facts({ losses: 3 }), { kind: 'quarantine', code: 'CELERIAC_E_WORKER_LOST' }],
    ['holds what is not due', facts({ request: requestOf({ eta: at(1) }) }), { kind: 'hold', untilMs: NOW_MS + 1 }],
    ['runs what is due', facts({ request: requestOf({ eta: at(0) }) }), { kind: 'run' }],
    ['prefers expiry to eta', facts({ request: requestOf({ eta: at(5_000), expires: at(-1) }) }), { why: 'expired' }],
  ];
  test.each(cases)('%s', (_name, given, verdict) => {
    expect(choose(given, NOW_MS)).toMatchObject(verdict as object);
  });
});
