import { type EventDispatcher, type Logger, type Publication, taskSentFields } from '@celeriac/brokers';
import type { Request } from '@celeriac/protocol';
import type { Settlement } from '../outcome/settlement.ts';
import type { Tally } from './tally.ts';

/** Lines about quarantined messages that are written in one second for one code; the rest is counted. */
const LINES_A_SECOND = 5;

export interface ReporterOptions {
  readonly dispatcher: EventDispatcher;
  readonly logger: Logger;
  readonly tally: Tally;
  readonly now: () => number;
  /** Send task events from the start (Celery's -E). */
  readonly taskEvents: boolean;
  /** Write a line for each task received and succeeded. Without it nothing is formatted for them. */
  readonly taskLines: boolean;
}

/** Says what happens to tasks: counters, `task-*` events when they are on, and log lines in Celery's words. Never argument values. */
export class Reporter {
  readonly #options: ReporterOptions;
  #taskEvents: boolean;
  readonly #recentLines = new Map<string, { secondMs: number; lines: number }>();

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#taskEvents = options.taskEvents;
  }

  get taskEvents(): boolean {
    return this.#taskEvents;
  }

  set taskEvents(on: boolean) {
    this.#taskEvents = on;
  }

  /** The broker has a message that a task called for, or that follows one. Celery sends this where task_send_sent_event is set. */
  sent(publication: Publication): void {
    if (this.#taskEvents) this.#options.dispatcher.send('task-sent', taskSentFields(publication));
  }

  /** `queue` goes out beside Celery's fields: otherwise only clients say it, where they send events at all. */
  received(request: Request, queue: string): void {
    const { dispatcher, logger, taskLines } = this.#options;
    if (taskLines) logger.info({ taskId: request.id, taskName: request.taskName }, `Task ${request.taskName}[${request.id}] received`);
    if (!this.#taskEvents) return;
    dispatcher.send('task-received', {
      uuid: request.id,
      name: request.taskName,
      args: request.argsRepr,
      kwargs: request.kwargsRepr,
      root_id: request.rootId,
      parent_id: request.parentId,
      retries: request.retries,
      eta: request.eta?.text ?? null,
      expires: request.expires?.text ?? null,
      queue,
    });
  }

  started(request: Request): void {
    this.#options.tally.started(request.taskName);
    if (this.#taskEvents) this.#options.dispatcher.send('task-started', { uuid: request.id });
  }

  /** Says how it ended. `request` is null for a message that is none. */
  ended(request: Request | null, registered: boolean, settlement: Settlement): void {
    const { dispatcher, logger, tally, taskLines } = this.#options;
    tally.ended(registered && request !== null ? request.taskName : null, settlement);
    if (settlement.report === null) return;
    const usual = settlement.kind === 'succeeded' && !taskLines;
    if (usual && !this.#taskEvents) return;
    const report = settlement.report();
    if (this.#taskEvents && report.event !== null) dispatcher.send(report.event.type, report.event.fields);
    // A run whose message is rejected has failed, and was rejected (celery/worker/request.py, `on_failure` and `reject`).
    if (this.#taskEvents && registered && request !== null && settlement.ending.kind === 'reject') {
      dispatcher.send('task-rejected', { uuid: request.id, requeue: false });
    }
    if (usual || (settlement.ending.kind === 'quarantine' && !this.#mayWrite(settlement.ending.code))) return;
    const task = request === null ? {} : { taskId: request.id, taskName: request.taskName };
    logger[report.level]({ ...task, ...report.fields }, report.text);
  }

  #mayWrite(code: string): boolean {
    const nowMs = this.#options.now();
    const recent = this.#recentLines.get(code);
    if (recent === undefined || nowMs - recent.secondMs >= 1_000) {
      if (recent !== undefined && recent.lines > LINES_A_SECOND) {
        this.#options.logger.warn({ code, suppressed: recent.lines - LINES_A_SECOND }, 'more messages were quarantined with this code');
      }
      this.#recentLines.set(code, { secondMs: nowMs, lines: 1 });
      return true;
    }
    recent.lines += 1;
    return recent.lines <= LINES_A_SECOND;
  }
}
