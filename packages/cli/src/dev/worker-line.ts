/** One line of a worker's output, as `celeriac dev` shows it. */
export interface WorkerLine {
  readonly text: string;
  readonly level: 'info' | 'warn' | 'error';
  /** How far a reload is, where the line is about one. */
  readonly reload: string | undefined;
}

/** Fields of a log line that its text says already, or that say nothing to a developer. */
const KNOWN: ReadonlySet<string> = new Set(
  [
    'level',
    'time',
    'pid',
    'command',
    'msg',
    'taskId',
    'taskName',
    'durationMs',
    'countdownMs',
    'traceback',
    'err',
    'reload',
    'queue',
    'code',
  ].concat(['module', 'file', 'line']),
);

/**
 * Reads a line that a worker wrote: its log is JSON. Lines about tasks, warnings and reloads are shown, what a worker says of its own coming
 * and going is not (undefined), since the autoscaler says it. Anything else is shown as it is.
 */
export function readWorkerLine(line: string): WorkerLine | undefined {
  const entry = parse(line);
  if (entry === undefined)
    return line.trim() === '' || line.endsWith(' ready.') ? undefined : { text: line, level: 'info', reload: undefined };
  const { level, msg, taskId, taskName } = entry;
  const reload = typeof entry['reload'] === 'string' ? entry['reload'] : undefined;
  const important = level === 'warn' || level === 'error';
  if (!important && taskId === undefined && reload === undefined) return undefined;
  const said = String(msg).replace(/^Task /, '');
  const text = typeof taskId === 'string' && !said.includes(taskId) ? `${String(taskName)}[${taskId}]: ${said}` : said;
  return { text: `${text}${fieldsOf(entry)}${stackOf(entry)}`, level: important ? level : 'info', reload };
}

interface LogEntry {
  readonly [field: string]: unknown;
  readonly msg: unknown;
}

function parse(line: string): LogEntry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value = JSON.parse(line) as LogEntry;
    return typeof value === 'object' && value !== null && 'msg' in value && 'level' in value ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What a task logged beside its text. */
function fieldsOf(entry: LogEntry): string {
  const rest = Object.entries(entry).filter(([name]) => !KNOWN.has(name));
  return rest.map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`).join('');
}

function stackOf(entry: LogEntry): string {
  const stack = entry['traceback'] ?? (entry['err'] as { stack?: unknown } | undefined)?.stack;
  return typeof stack === 'string' && stack !== '' ? `\n${stack.trimEnd().replaceAll(/^/gm, '    ')}` : '';
}
