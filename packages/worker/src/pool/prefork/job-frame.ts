import { parseJson, type Request, stringifyJson } from '@celeriac/protocol';
import { FRAME, FRAME_HEAD_BYTES, JOB_HEAD_BYTES } from './frame-types.ts';

/** What a child knows of a request. */
export interface ChildJob {
  /** Number of this booking, never 0; means something only between one parent and child. */
  readonly seq: number;
  readonly generation: number;
  readonly id: string;
  readonly taskName: string;
  readonly rootId: string;
  readonly parentId: string | null;
  readonly retries: number;
  readonly queue: string;
  readonly contentType: string;
  readonly contentEncoding: string;
  readonly compression: string | null;
  /** JSON text of the custom headers, empty for none. */
  readonly headersJson: string;
  readonly body: Uint8Array;
}

type Meta = readonly [
  id: string,
  taskName: string,
  rootId: string,
  parentId: string | null,
  retries: number,
  queue: string,
  contentType: string,
  contentEncoding: string,
  compression: string | null,
  headersJson: string,
];

/** The meta text of a request; the same for every child, so it is made once. */
export function jobMeta(request: Request): string {
  const meta: Meta = [
    request.id,
    request.taskName,
    request.rootId,
    request.parentId,
    request.retries,
    request.deliveryInfo.routingKey,
    request.contentType,
    request.contentEncoding,
    request.compression,
    headersText(request.headers),
  ];
  return JSON.stringify(meta);
}

/** Header values come from strangers: what JSON cannot carry is left out rather than failing the task. */
function headersText(headers: Readonly<Record<string, unknown>>): string {
  for (const _ in headers) {
    try {
      return stringifyJson(headers);
    } catch {
      const entries = Object.entries(headers).filter(([, value]) => canBeWritten(value));
      return stringifyJson(Object.fromEntries(entries));
    }
  }
  return '';
}

function canBeWritten(value: unknown): boolean {
  try {
    stringifyJson(value);
    return true;
  } catch {
    return false;
  }
}

/** The most bytes {@link writeJob} takes for this job. */
export function jobFrameBound(meta: string, bodyBytes: number): number {
  return FRAME_HEAD_BYTES + JOB_HEAD_BYTES + meta.length * 3 + bodyBytes;
}

/** Writes one job frame at `at`; returns where it ends. */
export function writeJob(into: Buffer, at: number, seq: number, generation: number, meta: string, body: Uint8Array): number {
  const metaAt = at + FRAME_HEAD_BYTES + JOB_HEAD_BYTES;
  const metaBytes = into.write(meta, metaAt, 'utf8');
  const end = metaAt + metaBytes + body.length;
  into.set(body, metaAt + metaBytes);
  into.writeUInt32LE(end - at - 4, at);
  into[at + 4] = FRAME.JOB;
  into.writeUInt32LE(seq, at + 5);
  into.writeUInt32LE(generation, at + 9);
  into.writeUInt32LE(metaBytes, at + 13);
  return end;
}

/** Reads the payload of a job frame, which a parent of this version wrote. The body is a view. */
export function readJob(bytes: Buffer, start: number, end: number): ChildJob {
  const metaAt = start + JOB_HEAD_BYTES;
  const bodyAt = metaAt + bytes.readUInt32LE(start + 8);
  const meta = JSON.parse(bytes.toString('utf8', metaAt, bodyAt)) as Meta;
  return {
    seq: bytes.readUInt32LE(start),
    generation: bytes.readUInt32LE(start + 4),
    id: meta[0],
    taskName: meta[1],
    rootId: meta[2],
    parentId: meta[3],
    retries: meta[4],
    queue: meta[5],
    contentType: meta[6],
    contentEncoding: meta[7],
    compression: meta[8],
    headersJson: meta[9],
    body: bytes.subarray(bodyAt, end),
  };
}

/** The headers of a job as a task sees them. */
export function readHeaders(job: ChildJob): Readonly<Record<string, unknown>> {
  return job.headersJson === '' ? {} : (parseJson(job.headersJson) as Record<string, unknown>);
}
