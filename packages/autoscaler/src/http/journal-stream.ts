import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Journal } from '../journal/journal.ts';

export interface JournalStreamOptions {
  readonly journal: Journal;
  /** Only records of this pool; null for all. */
  readonly pool: string | null;
  /** A comment is sent this often, ms, so that nobody in between takes the stream for dead. */
  readonly heartbeatMs: number;
}

/**
 * Streams the journal as server-sent events: `id` is `<life>-<seq>`, `event` the type of the record, `data` the record as JSON. A reader that
 * comes back with `Last-Event-ID` is sent what it missed, from memory; an event `gap` with `{from, to}` (numbers of records; from 1 where it
 * read another life of the autoscaler) says what is no longer there. A slow reader is sent less: nothing is kept for it but the journal.
 */
export function streamJournal(request: IncomingMessage, response: ServerResponse, options: JournalStreamOptions): void {
  const { journal, pool, heartbeatMs } = options;
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', connection: 'keep-alive' });
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  response.write('retry: 2000\n: journal\n\n');
  let sent = startingBehind(request, journal);
  let blocked = false;
  const write = (id: number, event: string, data: unknown): void => {
    blocked = !response.write(`id: ${journal.life}-${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const pump = (): void => {
    for (const record of journal.since(sent)) {
      if (blocked) return;
      if (record.seq > sent + 1) write(record.seq - 1, 'gap', { from: sent + 1, to: record.seq - 1 });
      sent = record.seq;
      if (pool === null || record.pool === pool) write(record.seq, record.type, record);
    }
  };
  response.on('drain', () => {
    blocked = false;
    pump();
  });
  const unsubscribe = journal.subscribe(pump);
  const heartbeat = setInterval(() => {
    if (!blocked) response.write(': alive\n\n');
  }, heartbeatMs);
  heartbeat.unref();
  request.once('close', () => {
    clearInterval(heartbeat);
    unsubscribe();
  });
  pump();
}

/** The number of the last record the reader has; without a word from it, that of the last one there is. */
function startingBehind(request: IncomingMessage, journal: Journal): number {
  const last = request.headers['last-event-id'];
  const named = /^([0-9a-z]+)-(\d{1,15})$/.exec(typeof last === 'string' ? last : '');
  if (named === null) return journal.lastSeq;
  return named[1] === journal.life ? Math.min(Number(named[2]), journal.lastSeq) : 0;
}
