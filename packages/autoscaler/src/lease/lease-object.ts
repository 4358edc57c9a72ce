import type { LeaseSighting } from './election.ts';

/** The annotation that holds what survives the holder. */
export const MEMORY_ANNOTATION = 'celeriac.dev/memory';

/** A Lease of `coordination.k8s.io/v1` as the API server gave it. What others keep in it stays as it is. */
export interface LeaseObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly holderIdentity?: string | null;
    readonly leaseDurationSeconds?: number | null;
    readonly acquireTime?: string | null;
    readonly renewTime?: string | null;
    readonly leaseTransitions?: number | null;
  };
}

/** What a holder writes. */
export interface LeaseWriting {
  /** '' gives it up. */
  readonly holder: string;
  readonly takes: boolean;
  readonly transitions: number;
  readonly durationMs: number;
  /** What the memory becomes; undefined leaves it. */
  readonly memory: string | undefined;
  /** For people who read it: epoch ms. Nothing is decided by it. */
  readonly nowMs: number;
}

/** The Lease in an answer; null where the answer is none. */
export function leaseObject(answer: unknown): LeaseObject | null {
  if (!isRecord(answer) || !isRecord(answer.metadata) || typeof answer.metadata.resourceVersion !== 'string') return null;
  return { ...answer, spec: isRecord(answer.spec) ? answer.spec : {} } as unknown as LeaseObject;
}

/** What an election looks at. */
export function sightingOf({ metadata, spec }: LeaseObject): LeaseSighting {
  const { holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions } = spec;
  return {
    version: metadata.resourceVersion ?? '',
    holder: holderIdentity ?? '',
    durationMs: typeof leaseDurationSeconds === 'number' && leaseDurationSeconds > 0 ? leaseDurationSeconds * 1_000 : null,
    transitions: leaseTransitions ?? 0,
    sign: JSON.stringify([holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions]),
  };
}

/** The Lease to send: `before` with us in it, or a new one. */
export function writtenLease(name: string, before: LeaseObject | null, writing: LeaseWriting): LeaseObject {
  const { memory } = writing;
  const nowText = microTime(writing.nowMs, before?.spec.renewTime ?? '');
  const metadata = before?.metadata ?? { name };
  return {
    ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' },
    ...before,
    metadata: memory === undefined ? metadata : { ...metadata, annotations: { ...metadata.annotations, [MEMORY_ANNOTATION]: memory } },
    spec: {
      ...before?.spec,
      holderIdentity: writing.holder,
      leaseDurationSeconds: Math.max(1, Math.ceil(writing.durationMs / 1_000)),
      acquireTime: writing.takes ? nowText : (before?.spec.acquireTime ?? nowText),
      renewTime: nowText,
      leaseTransitions: writing.transitions,
    },
  };
}

/** RFC 3339 with six digits, as MicroTime wants it; never the text before, or a clock that stands still would look like a dead holder. */
function microTime(epochMs: number, before: string): string {
  const millis = new Date(epochMs).toISOString().slice(0, -1);
  const micros = before.startsWith(millis) ? (Number(before.slice(millis.length, -1)) + 1) % 1_000 : 0;
  return `${millis}${String(micros || 0).padStart(3, '0')}Z`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
