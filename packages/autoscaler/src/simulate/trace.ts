import { CeleriacError } from '@celeriac/protocol';

/** One task of a trace. */
export interface Arrival {
  /** When it was published, ms; 0 is where the trace begins. */
  readonly atMs: number;
  /** How long it keeps a slot, ms. */
  readonly serviceMs: number;
  readonly queue: string;
}

/** The queue of a trace without a column for it. */
export const DEFAULT_QUEUE = 'celery';
/** No fault list is longer. */
const FAULTS_SHOWN = 10;

/**
 * Reads a trace: CSV with a header that names `arrival_s` and `service_s` (seconds, fractions allowed) and perhaps `queue`, in any
 * order; other columns are left out. Rows need no order; they come back sorted by arrival.
 * @param name the file's name, for messages
 * @throws CeleriacError CELERIAC_E_CONFIG that lists the faults with their lines
 */
export function parseTrace(text: string, name = 'trace'): readonly Arrival[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const header = cells(lines[0] ?? '');
  const [arrival, service, queue] = ['arrival_s', 'service_s', 'queue'].map((column) => header.indexOf(column)) as [number, number, number];
  if (arrival < 0 || service < 0) {
    throw refused(name, [`line 1: the columns arrival_s and service_s are needed, there is: ${header.join(', ') || 'nothing'}`]);
  }
  const faults: string[] = [];
  const arrivals: Arrival[] = [];
  for (let index = 1; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    if (line.trim() === '') continue;
    const row = cells(line);
    const atS = secondsOf(row[arrival]);
    const serviceS = secondsOf(row[service]);
    const queueName = queue < 0 ? DEFAULT_QUEUE : (row[queue] ?? '');
    if (row.length !== header.length) faults.push(`line ${index + 1}: ${row.length} columns, the header has ${header.length}`);
    else if (atS === null) faults.push(`line ${index + 1}: arrival_s is not a number of seconds from 0: ${row[arrival]}`);
    else if (serviceS === null) faults.push(`line ${index + 1}: service_s is not a number of seconds from 0: ${row[service]}`);
    else if (queueName === '') faults.push(`line ${index + 1}: no queue`);
    else arrivals.push({ atMs: Math.round(atS * 1_000), serviceMs: Math.round(serviceS * 1_000), queue: queueName });
  }
  if (faults.length > FAULTS_SHOWN) faults.splice(FAULTS_SHOWN, faults.length, `and ${faults.length - FAULTS_SHOWN} more`);
  if (faults.length > 0) throw refused(name, faults);
  if (arrivals.length === 0) throw refused(name, ['no rows']);
  return arrivals.toSorted((a, b) => a.atMs - b.atMs);
}

/** Writes a trace as {@link parseTrace} reads it; the queue is written only where one is not the default. */
export function formatTrace(arrivals: readonly Arrival[]): string {
  const queues = arrivals.some(({ queue }) => queue !== DEFAULT_QUEUE);
  const rows = arrivals.map(({ atMs, serviceMs, queue }) => {
    const row = `${(atMs / 1_000).toFixed(3)},${(serviceMs / 1_000).toFixed(3)}`;
    return queues ? `${row},${queue}` : row;
  });
  return `${[queues ? 'arrival_s,service_s,queue' : 'arrival_s,service_s', ...rows].join('\n')}\n`;
}

function cells(line: string): readonly string[] {
  return line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
}

function secondsOf(cell: string | undefined): number | null {
  if (cell === undefined || !/^\+?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(cell)) return null;
  const number = Number(cell);
  return number <= 1e11 ? number : null;
}

function refused(name: string, faults: readonly string[]): CeleriacError {
  return new CeleriacError('CELERIAC_E_CONFIG', `${name}: ${faults.join('\n  ')}`, { data: { faults } });
}
