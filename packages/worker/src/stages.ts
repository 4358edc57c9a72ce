import { createEventDispatcher, createLamportClock, type EventDispatcher, type LamportClock, type Publication } from '@celeriac/brokers';
import type { Clients } from './connect.ts';
import { Reporter } from './events/reporter.ts';
import { Tally } from './events/tally.ts';
import { workerFields } from './events/worker-fields.ts';
import { Booking } from './intake/booking.ts';
import { Hand } from './intake/hand.ts';
import { Held } from './intake/held.ts';
import { Intake } from './intake/intake.ts';
import { CarryOut } from './outcome/carry-out.ts';
import { publishChildCall } from './outcome/child-calls.ts';
import { createFollow } from './outcome/follow.ts';
import { Outcomes } from './outcome/outcomes.ts';
import type { ChildCall, Pool } from './pool/pool.ts';
import { createPreforkPool } from './pool/prefork/prefork-pool.ts';
import { RevokedIds } from './strategy/revoked.ts';
import { RunTimes } from './strategy/run-times.ts';
import type { TaskManifest } from './tasks/manifest.ts';
import { version } from './version.ts';
import type { WorkerSettings } from './worker-settings.ts';

/** The stages of the pipeline, connected to each other. */
export interface Stages {
  readonly pool: Pool;
  readonly clock: LamportClock;
  readonly hand: Hand;
  readonly tally: Tally;
  readonly revoked: RevokedIds;
  readonly dispatcher: EventDispatcher;
  readonly reporter: Reporter;
  readonly carryOut: CarryOut;
  readonly booking: Booking;
  readonly held: Held;
  readonly intake: Intake;
  readonly outcomes: Outcomes;
  readonly runTimes: RunTimes;
  /** Epoch milliseconds. */
  readonly now: () => number;
  onCall(call: ChildCall): Promise<string>;
  /** Takes over what the task modules register. */
  register(manifest: TaskManifest): void;
}

/** Creates the pool; its events reach the stages as soon as there are any. */
export function createPool({ options, slots, logger }: WorkerSettings, stages: () => Stages | undefined): Pool {
  const { broker, backend, modules, cwd, childEnv = {}, maxTasksPerChild = null, maxMemoryPerChild = null } = options;
  return createPreforkPool({
    modules,
    slots,
    env: childEnv,
    secrets: {
      names: ['CELERY_BROKER_URL', 'CELERY_RESULT_BACKEND'],
      values: [broker, backend].filter((value) => typeof value === 'string'),
    },
    maxTasksPerChild,
    maxMemoryPerChildKib: maxMemoryPerChild,
    ...(cwd === undefined ? {} : { cwd }),
    events: {
      onStarted: (job, pid) => stages()?.outcomes.started(job, pid),
      onOutcome: (job, outcome) => stages()?.outcomes.ended(job, outcome),
      onRoom: () => stages()?.booking.book(),
      onChildExit: (reason) => stages()?.tally.childExited(reason),
      onLog: ({ job, level, text, fields }) =>
        logger[level](job === null ? fields : { ...fields, taskId: job.request.id, taskName: job.request.taskName }, text),
      onCall: (call) => stages()?.onCall(call) ?? Promise.reject(new Error('the worker has not started')),
    },
  });
}

/** The pipeline from a delivery to its settlement; nothing here has met the broker yet. */
export function createStages(settings: WorkerSettings, pool: Pool, { transport, backend }: Clients): Stages {
  const { logger, nodename, queues, routing, router, options, limits } = settings;
  const now = Date.now;
  const tasks = new Map<string, TaskManifest['tasks'][number]>();
  const clock = createLamportClock();
  const [hand, tally, runTimes, revoked] = [new Hand(), new Tally(), new RunTimes(), new RevokedIds()];
  const following = { routing, queues, router, needsOf: (name: string) => tasks.get(name)?.options.resources };
  const follow = createFollow(following);
  const fields = () =>
    workerFields({
      active: hand.running.size,
      processed: tally.processed,
      reserved: hand.size - hand.running.size,
      slots: pool.slots.total,
      version,
    });
  const dispatcher = createEventDispatcher({ bus: transport.bus, nodename, clock, pid: process.pid, logger, now, heartbeat: { fields } });
  const { taskEvents = false, taskLines = true } = options;
  const reporter = new Reporter({ dispatcher, logger, tally, now, taskEvents, taskLines });
  const carryOut = new CarryOut({
    ...{ transport, backend, logger },
    onPublished(publications) {
      for (const publication of publications) reporter.sent(publication);
    },
    onEnd: (work, settled) => outcomes.settled(work, settled),
  });
  const publish = async (publication: Publication): Promise<void> => {
    await transport.publish(publication);
    reporter.sent(publication);
  };
  const booking = new Booking({
    ...{ pool, runTimes, backend, limits, now, logger },
    mayStart: (attempt) => intake.mayStart(attempt),
    onLostTooOften: (attempt) => intake.lostTooOften(attempt),
    onUnstarted: (attempt, why) => (why === 'lost' ? intake.letGo(attempt) : intake.handBack(attempt)),
  });
  const held = new Held({ now, onDue: (attempts) => intake.due(attempts) });
  const taskOf = (name: string) => tasks.get(name);
  const intake = new Intake({ hand, held, booking, carryOut, reporter, revoked, follow, backend, taskOf, now, logger });
  const outcomes: Outcomes = new Outcomes({
    ...{ hand, booking, carryOut, reporter, tally, runTimes, follow, backend, nodename, now, logger },
    random: Math.random,
    onTwin: ({ delivery, request }) => {
      intake.accept(delivery, request);
      booking.book();
    },
    onUnstarted: (attempt) => intake.handBack(attempt),
    terminate: (taskId, signal) => void pool.terminate(taskId, signal),
  });
  return {
    ...{ pool, clock, hand, tally, revoked, dispatcher, reporter, carryOut, booking, held, intake, outcomes, runTimes, now },
    onCall: (call) => publishChildCall({ publish }, following, call, now()),
    register: (manifest) => {
      tasks.clear();
      for (const task of manifest.tasks) tasks.set(task.name, task);
      runTimes.keepOnly(new Set(tasks.keys()));
    },
  };
}
