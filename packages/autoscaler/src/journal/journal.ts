import { randomUUID } from 'node:crypto';
import { createWriteStream, openSync, type WriteStream } from 'node:fs';
import type { Logger } from '@celeriac/brokers';
import { CeleriacError } from '@celeriac/protocol';
import type { DecisionRecord, JournalRecord, ScaleInRecord } from './record.ts';

/** A record before it has its place in the journal. */
export type NewRecord = Omit<DecisionRecord, 'v' | 'seq'> | Omit<ScaleInRecord, 'v' | 'seq'>;

/** Remembers why: the last records in memory, all of them in a file where one is given. */
export interface Journal {
  /** Tells records of this life of the autoscaler from those of another, whose numbers begin at 1 too. */
  readonly life: string;
  /** The number of the latest record; 0 for none. */
  readonly lastSeq: number;
  /** The records in memory behind this number, oldest first. */
  since(seq: number): readonly JournalRecord[];
  write(record: NewRecord): void;
  /** The latest records, oldest first, of one pool or of all. */
  latest(options?: { readonly pool?: string; readonly limit?: number }): readonly JournalRecord[];
  /** How many records are kept in memory. */
  readonly size: number;
  /** Calls back for each record from now on; the returned function ends it. */
  subscribe(listener: (record: JournalRecord) => void): () => void;
  close(): Promise<void>;
}

/** How many records are kept in memory by default, */
const KEPT = 500;
/** and how many replicas they may have seen together: a record of a large pool is a large one. The latest fifty stay whatever they saw. */
const REPLICAS_KEPT = 5_000;
const LATEST = 50;

/** Creates a journal. `file` gets one line of JSON for each record, appended. Throws CELERIAC_E_CONFIG where it cannot be opened. */
export function createJournal(options: { readonly file?: string | undefined; readonly kept?: number; readonly logger: Logger }): Journal {
  const kept = options.kept ?? KEPT;
  const listeners = new Set<(record: JournalRecord) => void>();
  const records: JournalRecord[] = [];
  let replicas = 0;
  let seq = 0;
  let stream: WriteStream | undefined;
  if (options.file !== undefined) {
    stream = createWriteStream(options.file, { fd: openToAppend(options.file) });
    stream.on('error', (error) => options.logger.error({ err: error, file: options.file }, 'journal file cannot be written'));
  }
  const life = randomUUID().slice(0, 8);
  return {
    life,
    get lastSeq() {
      return seq;
    },
    since(last) {
      const behind = Math.min(seq - last, records.length);
      return behind <= 0 ? [] : records.slice(-behind);
    },
    write(record) {
      seq += 1;
      const placed: JournalRecord = { v: 2, seq, ...record };
      records.push(placed);
      replicas += replicasSeen(placed);
      while (records.length > kept || (replicas > REPLICAS_KEPT && records.length > LATEST)) {
        const oldest = records.shift();
        if (oldest !== undefined) replicas -= replicasSeen(oldest);
      }
      if (stream?.writable === true) stream.write(`${JSON.stringify(placed)}\n`);
      for (const listener of listeners) listener(placed);
    },
    latest({ pool, limit = kept } = {}) {
      const own = pool === undefined ? records : records.filter((record) => record.pool === pool);
      return own.slice(-Math.min(limit, kept));
    },
    get size() {
      return records.length;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      listeners.clear();
      return new Promise((resolve) => (stream === undefined ? resolve() : stream.end(resolve)));
    },
  };
}

function replicasSeen(record: JournalRecord): number {
  const seen = record.type === 'decision' ? record.seen.replicas : { kind: 'reading' as const, value: record.seen.replicas };
  return seen.kind === 'reading' ? seen.value.length : 0;
}

function openToAppend(file: string): number {
  try {
    return openSync(file, 'a');
  } catch (error) {
    throw new CeleriacError('CELERIAC_E_CONFIG', `the journal cannot be written: ${(error as Error).message}`, { cause: error });
  }
}
