import { createHash } from 'node:crypto';
import type { Publication, QueueDeclaration, StoredResult } from '@celeriac/brokers';
import {
  chainFailures,
  childrenJson,
  chordPartOf,
  type Embed,
  encodeTask,
  errorFollowUps,
  type FollowUp,
  type FollowUpCall,
  followUps,
  isCeleriacError,
  type Placement,
  type PoolRouter,
  placeTask,
  type Refusal,
  type Request,
  type Route,
  type RoutingConfig,
  routeTask,
  type TaskNeeds,
} from '@celeriac/protocol';
import type { Fault } from './fault.ts';
import { exceptionRecord } from './records.ts';

/** What follows, ready to be sent. */
export interface Following {
  readonly publish: readonly Publication[];
  /** For the record of the task that has ended. */
  readonly childrenJson: string | undefined;
  /** Records of tasks that will never run. */
  readonly stores: readonly StoredResult[];
}

/** Turns what a message says must follow into publications and records. Pure. */
export interface Follow {
  /** Callbacks and the next of the chain. Throws CELERIAC_E_EMBED or CELERIAC_E_PROTOCOL where `check` would have refused. */
  success(request: Request, embed: Embed, resultJson: string, nowMs: number): Following;
  /** Errbacks, and the same FAILURE for what the chain will never run. */
  failure(request: Request, embed: Embed, fault: Fault, nowMs: number): Following;
  /** Why this cannot be followed up, asked before the task runs; null where it can. */
  check(request: Request, embed: Embed): Refusal | null;
}

export interface FollowOptions {
  readonly routing: RoutingConfig;
  /** Queues whose declaration is known. */
  readonly queues: readonly QueueDeclaration[];
  /** Chooses a queue for what says what it needs. Absent: needs are not looked at. */
  readonly router?: PoolRouter | undefined;
  /** What a task of this worker needs. */
  readonly needsOf?: (name: string) => TaskNeeds | undefined;
}

/** Creates the follow-up of one worker. */
export function createFollow(options: FollowOptions): Follow {
  const publications = (request: Request, followed: readonly FollowUp[], nowMs: number): Publication[] =>
    followed.flatMap((one) => callsOf(one)).map((call) => publicationOf(options, call, routeOfFollowing(options, call), request, nowMs));
  const failure: Follow['failure'] = (request, embed, fault, nowMs) => ({
    publish: publications(request, errorFollowUps(embed, request, idsAfter(request, 'failed')), nowMs),
    childrenJson: undefined,
    stores: chainFailures(embed).map(({ taskId, groupId }) =>
      exceptionRecord({ request: { id: taskId, groupId, parentId: null }, nowMs }, 'FAILURE', fault.exception, fault.traceback),
    ),
  });
  return {
    failure,
    success(request, embed, resultJson, nowMs) {
      const followed = followUps(embed, request, resultJson, idsAfter(request, 'succeeded'));
      return { publish: publications(request, followed, nowMs), childrenJson: childrenJson(followed), stores: [] };
    },
    check(request, embed) {
      const refuse = (code: Refusal['code'], reason: string): Refusal => ({ code, reason, id: request.id, taskName: request.taskName });
      if (chordPartOf(request, embed) !== null) return refuse('CELERIAC_E_PROTOCOL', NO_CHORDS);
      try {
        const newId = idsAfter(request, 'checked');
        const after = [...followUps(embed, request, 'null', newId), ...errorFollowUps(embed, request, newId)];
        if (after.some((one) => one.kind === 'chord')) return refuse('CELERIAC_E_PROTOCOL', NO_CHORDS);
        for (const call of after.flatMap((one) => callsOf(one))) {
          const placed = placeCall(options, call, options.needsOf?.(call.call.name));
          if (placed.kind === 'refused') throw placed.error;
        }
        return null;
      } catch (error) {
        if (!isCeleriacError(error)) throw error;
        return refuse(error.code, `what must follow it cannot be sent: ${error.message.slice(0, 300)}`);
      }
    },
  };
}

const NO_CHORDS = 'it is part of a chord, or a chord follows it, which this version cannot count; let a Python worker take its queue';

/** Where a call goes: by what it needs where that is known, and the pools are; else as routed. */
export function placeCall({ router, routing }: FollowOptions, { call, route }: FollowUpCall, needs: TaskNeeds | undefined): Placement {
  if (router === undefined || needs === undefined) return { kind: 'route', route: routeTask(call.name, route, routing) };
  return placeTask(call.name, route, needs, routing, router);
}

/** What fits nowhere was refused by `check`, before the run; only task modules that were loaded anew since then can say otherwise. */
function routeOfFollowing(options: FollowOptions, followed: FollowUpCall): Route {
  const placed = placeCall(options, followed, options.needsOf?.(followed.call.name));
  return placed.kind === 'route' ? placed.route : routeTask(followed.call.name, followed.route, options.routing);
}

/** One message of what follows, or of a call a task makes. */
export function publicationOf(
  options: FollowOptions,
  followed: FollowUpCall,
  { exchange, routingKey, queue }: Route,
  request: Request | null,
  nowMs: number,
): Publication {
  const { call, countdownS, expiresS } = followed;
  const message = encodeTask({
    ...call,
    ...(countdownS === null ? {} : { eta: new Date(nowMs + countdownS * 1000) }),
    ...(expiresS === null ? {} : { expires: new Date(nowMs + expiresS * 1000) }),
    origin: call.origin ?? request?.origin ?? null,
  });
  if (exchange !== '') return { message, exchange, routingKey };
  return { message, exchange, routingKey, queue: options.queues.find(({ name }) => name === queue) ?? { name: queue } };
}

function callsOf(followed: FollowUp): readonly FollowUpCall[] {
  switch (followed.kind) {
    case 'call':
      return [followed];
    case 'group':
      return followed.calls;
    case 'chord':
      return followed.header;
  }
}

/**
 * Ids of what follows one attempt, in order, the same each time they are asked for: what is published again after a redelivery is then
 * the same task, not another. As uuid version 5.
 */
export function idsAfter(request: Pick<Request, 'id' | 'retries'>, what: string): () => string {
  let count = 0;
  return () => {
    const hash = createHash('sha1').update(`celeriac ${what} ${request.id} ${request.retries} ${count++}`).digest();
    hash[6] = ((hash[6] as number) & 0x0f) | 0x50;
    hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
    const hex = hash.toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
  };
}
