// Who of several may act, by one record that a server changes only where it is still as its writer saw it (resourceVersion).

/** How long things may take, ms. */
export interface LeaseTimings {
  /** A holder not heard of for so long has lost it. */
  readonly leaseDurationMs: number;
  /** A holder that could not renew for so long stops acting. The gap to the lease duration must cover how far clocks drift apart. */
  readonly renewDeadlineMs: number;
  /** Pause between two tries. */
  readonly retryPeriodMs: number;
}

/** Those of client-go and of every Kubernetes component (leaderelection.go, component-base/config/v1alpha1/defaults.go). */
export const defaultLeaseTimings: LeaseTimings = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

/** The record as one look at it showed. */
export interface LeaseSighting {
  /** Opaque; a write over it succeeds only while the record still has it. */
  readonly version: string;
  /** '' for nobody. */
  readonly holder: string;
  /** How long its holder counts on it, ms; null where it does not say. */
  readonly durationMs: number | null;
  readonly transitions: number;
  /** Other than before whenever its holder gave a sign of life. Only ever compared: the clock it was read off is not ours. */
  readonly sign: string;
}

/** What a contender remembers. Plain data; times are of its own monotonic clock, ms. */
export interface ElectionState {
  /** The last sighting; null before the first and while there is no record. */
  readonly known: LeaseSighting | null;
  /** When its sign was first seen. */
  readonly knownSinceMs: number;
  /** We hold it until then; -Infinity while we do not. */
  readonly heldUntilMs: number;
  /** The last look came right behind a write that failed: the next failure waits. */
  readonly hurried: boolean;
}

/** What happened since the last step. `random` is in [0, 1). */
export type ElectionSeen =
  /** The wait is over, or something is to be written now. */
  | { readonly kind: 'due' }
  /** A look; null where there is no record. */
  | { readonly kind: 'read'; readonly sighting: LeaseSighting | null; readonly random: number }
  /** Our write was taken; `askedAtMs`: right before it was sent. */
  | { readonly kind: 'written'; readonly sighting: LeaseSighting; readonly askedAtMs: number }
  /** Our write was refused: the record is no longer as it was seen. */
  | { readonly kind: 'refused'; readonly random: number }
  /** A look or a write without an answer, or with an error: whether a write was carried out is unknown. */
  | { readonly kind: 'failed'; readonly random: number };

/** What to do next. */
export type ElectionEffect =
  | { readonly kind: 'read' }
  /** Writes us as the holder over that version (null: creates the record). `takes`: from somebody else or nobody. */
  | { readonly kind: 'write'; readonly over: string | null; readonly takes: boolean; readonly transitions: number }
  | { readonly kind: 'wait'; readonly forMs: number };

export interface ElectionStep {
  readonly state: ElectionState;
  readonly effect: ElectionEffect;
}

/** Who contends. */
export interface Contender {
  /** Of one life of one process: never used again. */
  readonly identity: string;
  readonly timings: LeaseTimings;
}

export const initialElection: ElectionState = {
  known: null,
  knownSinceMs: Number.NEGATIVE_INFINITY,
  heldUntilMs: Number.NEGATIVE_INFINITY,
  hurried: false,
};

/** Contenders that wait for the same lease do not all ask at the same moment. */
const JITTER = 0.2;

/** Whether the contender may act at this moment of its own clock. */
export function isHeld(nowMs: number, state: ElectionState): boolean {
  return nowMs < state.heldUntilMs;
}

/**
 * One step of leader election, as client-go's leaderelection: a lease is free when nobody holds it, or when its holder has given no sign
 * of life for the lease duration *since we saw the last one*; no two machines' clocks are ever compared. We hold it for the renew
 * deadline, counted from before the last write that was taken was sent. Pure.
 * @param nowMs a monotonic clock, read after what was seen was there
 */
export function step(nowMs: number, state: ElectionState, seen: ElectionSeen, self: Contender): ElectionStep {
  const { identity, timings } = self;
  switch (seen.kind) {
    case 'due': {
      const calm = { ...state, hurried: false };
      return calm.known?.holder === identity
        ? { state: calm, effect: writeOver(calm.known, identity) }
        : { state: calm, effect: { kind: 'read' } };
    }
    case 'read':
      return seen.sighting === null ? missing(nowMs, state, seen.random, self) : sighted(nowMs, state, seen.sighting, seen.random, self);
    case 'written': {
      const heldUntilMs = seen.sighting.holder === identity ? seen.askedAtMs + timings.renewDeadlineMs : Number.NEGATIVE_INFINITY;
      const next = { known: seen.sighting, knownSinceMs: nowMs, heldUntilMs, hurried: false };
      return { state: next, effect: { kind: 'wait', forMs: Math.max(0, seen.askedAtMs + timings.retryPeriodMs - nowMs) } };
    }
    case 'refused':
    case 'failed':
      if (state.hurried) return { state: { ...state, hurried: false }, effect: { kind: 'wait', forMs: pauseMs(seen.random, timings) } };
      return { state: { ...state, hurried: true }, effect: { kind: 'read' } };
  }
}

function sighted(nowMs: number, before: ElectionState, sighting: LeaseSighting, random: number, self: Contender): ElectionStep {
  const { identity, timings } = self;
  const isNews = before.known?.sign !== sighting.sign;
  const state: ElectionState = {
    known: sighting,
    knownSinceMs: isNews ? nowMs : before.knownSinceMs,
    heldUntilMs: sighting.holder === identity ? before.heldUntilMs : Number.NEGATIVE_INFINITY,
    hurried: before.hurried,
  };
  const leftMs = freeAtMs(state, timings) - nowMs;
  if (sighting.holder === identity || sighting.holder === '' || leftMs <= 0) {
    return { state, effect: writeOver(sighting, identity) };
  }
  return { state, effect: { kind: 'wait', forMs: Math.min(pauseMs(random, timings), leftMs) } };
}

/** Whoever deletes the record while somebody holds it makes room for two: those who knew the holder wait as if it were still there. */
function missing(nowMs: number, before: ElectionState, random: number, { identity, timings }: Contender): ElectionStep {
  const { known } = before;
  const state = { ...before, heldUntilMs: Number.NEGATIVE_INFINITY };
  const leftMs = known === null || known.holder === '' || known.holder === identity ? 0 : freeAtMs(before, timings) - nowMs;
  if (leftMs > 0) return { state, effect: { kind: 'wait', forMs: Math.min(pauseMs(random, timings), leftMs) } };
  return { state, effect: { kind: 'write', over: null, takes: true, transitions: (known?.transitions ?? -1) + 1 } };
}

function writeOver(known: LeaseSighting, identity: string): ElectionEffect {
  const takes = known.holder !== identity;
  return { kind: 'write', over: known.version, takes, transitions: takes ? known.transitions + 1 : known.transitions };
}

function freeAtMs({ known, knownSinceMs }: ElectionState, timings: LeaseTimings): number {
  return knownSinceMs + (known?.durationMs ?? timings.leaseDurationMs);
}

function pauseMs(random: number, { retryPeriodMs }: LeaseTimings): number {
  return retryPeriodMs * (1 + JITTER * random);
}
