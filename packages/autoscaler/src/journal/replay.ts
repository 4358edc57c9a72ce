import { decide } from '../decide/decide.ts';
import { step } from '../scale-in/step.ts';
import type { JournalRecord } from './record.ts';

/** What deciding a record again came to. */
export type Replay =
  | { readonly kind: 'same' }
  | {
      readonly kind: 'different';
      /** Where the answers part, for example `decision.to`. */
      readonly path: string;
      readonly recorded: unknown;
      readonly now: unknown;
    };

/** Decides a record again from what it rested on and compares the answers. Pure. */
export function replay(record: JournalRecord): Replay {
  // Through JSON, as the recorded answer went: keys without a value vanish on both sides.
  const again: unknown = JSON.parse(
    JSON.stringify(
      record.type === 'decision'
        ? decide(record.atMs, record.spec, record.seen, record.state)
        : step(record.atMs, record.state, record.seen),
    ),
  );
  return difference(record.type === 'decision' ? 'decision' : 'step', record.type === 'decision' ? record.decision : record.step, again);
}

function difference(path: string, recorded: unknown, now: unknown): Replay {
  if (Object.is(recorded, now)) return { kind: 'same' };
  if (!isObject(recorded) || !isObject(now) || Array.isArray(recorded) !== Array.isArray(now))
    return { kind: 'different', path, recorded, now };
  for (const key of new Set([...Object.keys(recorded), ...Object.keys(now)])) {
    const inner = difference(`${path}.${key}`, recorded[key], now[key]);
    if (inner.kind === 'different') return inner;
  }
  return { kind: 'same' };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
