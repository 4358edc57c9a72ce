import { formatWithOptions } from 'node:util';
import { stringifyJson } from '@celeriac/protocol';
import type { ChildOutbox } from './child-outbox.ts';
import { FRAME } from './frame-types.ts';
import { fullBudget, type LogAllowance, type LogBudget, spend } from './log-budget.ts';
import { LOG_LEVELS, type LogLevel } from './log-line.ts';

const ALLOWANCE: LogAllowance = { linesPerSecond: 1_000, bytesPerSecond: 1_024 * 1_024 };
/** After a line was dropped, when that is said if no other line says it before. */
const REPORT_MS = 2_000;
const MAX_LINE_CHARACTERS = 16 * 1_024;
const MAX_FIELDS_CHARACTERS = 8 * 1_024;

/** Log lines of a child on their way to its parent, within a budget. */
export class ChildLog {
  readonly #outbox: ChildOutbox;
  #report: NodeJS.Timeout | undefined;
  #budget: LogBudget = fullBudget(ALLOWANCE, performance.now());

  constructor(outbox: ChildOutbox) {
    this.#outbox = outbox;
  }

  /** `seq` is the job the line belongs to, 0 for none. */
  write(seq: number, level: LogLevel, text: string, fields: Readonly<Record<string, unknown>>): void {
    const line = text.length > MAX_LINE_CHARACTERS ? `${text.slice(0, MAX_LINE_CHARACTERS)}...` : text;
    const { pass, droppedBefore, budget } = spend(this.#budget, ALLOWANCE, performance.now(), line.length);
    this.#budget = budget;
    if (!pass) {
      this.#reportSoon();
      return;
    }
    if (droppedBefore > 0) this.#reportDropped(droppedBefore);
    this.#send(seq, level, line, fieldsText(fields));
  }

  /** A flood that ended says so all the same. */
  #reportSoon(): void {
    if (this.#report !== undefined) return;
    this.#report = setTimeout(() => {
      this.#report = undefined;
      if (this.#budget.dropped > 0) this.#reportDropped(this.#budget.dropped);
      this.#budget = { ...this.#budget, dropped: 0 };
    }, REPORT_MS).unref();
  }

  #reportDropped(count: number): void {
    this.#send(0, 'warn', `${count} log lines were dropped: tasks may log ${ALLOWANCE.linesPerSecond} lines a second`, '{}');
  }

  #send(seq: number, level: LogLevel, text: string, fieldsJson: string): void {
    this.#outbox.sendText(FRAME.LOG, `[${seq},${LOG_LEVELS.indexOf(level)},${JSON.stringify(text)},${fieldsJson}]`);
  }
}

function fieldsText(fields: Readonly<Record<string, unknown>>): string {
  try {
    const text = stringifyJson(fields);
    JSON.parse(text);
    return text.length <= MAX_FIELDS_CHARACTERS ? text : '{"fieldsDropped":true}';
  } catch {
    return '{"fieldsDropped":true}';
  }
}

/** Sends what user code prints by `console` to the log; `seqOf` says which job is running in this context. */
export function patchConsole(log: ChildLog, seqOf: () => number): void {
  const as =
    (level: LogLevel) =>
    (...values: unknown[]): void =>
      log.write(seqOf(), level, formatWithOptions({ colors: false }, ...values), {});
  console.debug = as('debug');
  console.log = as('info');
  console.info = as('info');
  console.warn = as('warn');
  console.error = as('error');
  console.trace = as('debug');
}
