import { randomUUID } from 'node:crypto';
import { CeleriacError, encodeRedisEnvelope } from '@celeriac/protocol';
import type { Publication } from '../transport.ts';
import type { Bindings } from './bindings.ts';
import { closedError, isErrorReply, type Redis } from './redis-connection.ts';
import type { RedisHub, ScriptArgument } from './redis-hub.ts';
import { createTurnBatch } from './turn-batch.ts';

/** One LPUSH carries at most so much. */
const PUSH_COUNT = 500;
const PUSH_CHARACTERS = 1024 * 1024;

export interface Publisher {
  publish(publication: Publication): Promise<void>;
  /** Resolves when everything published so far has come to an end. */
  idle(): Promise<void>;
}

interface Push {
  readonly bucket: string;
  readonly queue: string;
  readonly envelope: string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Command {
  readonly call: readonly [string, ...ScriptArgument[]];
  readonly pushes: readonly Push[];
}

/** Publications of a turn travel as one write: one LPUSH per list, in the order in which they were published. */
export function createPublisher(hub: RedisHub, bindings: Bindings): Publisher {
  const { keys } = hub;
  const running = new Set<Promise<unknown>>();
  const batch = createTurnBatch<Push>((pushes) => {
    const run = send(pushes);
    running.add(run);
    void run.finally(() => running.delete(run));
  });

  async function send(pushes: readonly Push[]): Promise<void> {
    let client: Redis;
    try {
      client = hub.commands.current ?? (await hub.commands.use(hub.timeoutMs));
    } catch (error) {
      const refusal = hub.isClosed ? closedError() : notTaken(error);
      for (const { reject } of pushes) reject(refusal);
      return;
    }
    const commands = commandsFor(pushes);
    let settled = false;
    const deadline = setTimeout(() => {
      settled = true;
      const late = uncertain(new Error(`no answer within ${hub.timeoutMs} ms`));
      for (const { reject } of pushes) reject(late);
      hub.commands.reset(late);
    }, hub.timeoutMs);
    const pipeline = client.pipeline();
    for (const { call } of commands) pipeline.call(...(call as [string, ...ScriptArgument[]]));
    const results = (await pipeline.exec().catch((error: unknown) => commands.map(() => [error as Error, null] as const))) ?? [];
    clearTimeout(deadline);
    if (settled) return;
    for (const [index, { pushes: carried }] of commands.entries()) {
      const error = results[index]?.[0];
      if (error === null || error === undefined) for (const { resolve } of carried) resolve();
      else {
        const refusal = isErrorReply(error) ? notTaken(error) : uncertain(error);
        for (const { reject } of carried) reject(refusal);
      }
    }
  }

  function commandsFor(pushes: readonly Push[]): readonly Command[] {
    const commands: Command[] = [];
    const byBucket = new Map<string, Push[]>();
    for (const push of pushes) {
      const same = byBucket.get(push.bucket);
      if (same === undefined) byBucket.set(push.bucket, [push]);
      else same.push(push);
    }
    for (const [bucket, all] of byBucket) {
      const expiresMs = bindings.expiresMs((all[0] as Push).queue);
      for (const part of portions(all)) {
        const push: Command = { call: ['lpush', bucket, ...part.map(({ envelope }) => envelope)], pushes: part };
        if (expiresMs === undefined) commands.push(push);
        else {
          const expiry = keys.buckets((all[0] as Push).queue).map((key): Command => ({ call: ['pexpire', key, expiresMs], pushes: [] }));
          commands.push({ call: ['multi'], pushes: [] }, push, ...expiry, { call: ['exec'], pushes: [] });
        }
      }
    }
    return commands;
  }

  async function publish({ message, exchange, routingKey, queue }: Publication): Promise<void> {
    if (hub.isClosed) throw closedError();
    if (queue !== undefined && !bindings.isDeclared(queue)) await declared(queue);
    if (queue?.exchangeType === 'fanout' && exchange !== '') {
      const envelope = encodeRedisEnvelope(message, { exchange, routingKey }, randomUUID());
      await hub.pipeline([['publish', keys.channel(exchange, routingKey), envelope]]).catch((error: unknown) => {
        throw notTaken(error);
      });
      return;
    }
    const targets = exchange === '' ? [routingKey] : await destinations(exchange, routingKey);
    const envelope = encodeRedisEnvelope(message, { exchange, routingKey }, randomUUID());
    const pushed = targets.map(
      (target) =>
        new Promise<void>((resolve, reject) => {
          batch.add({ bucket: keys.bucketFor(target, message.properties.priority), queue: target, envelope, resolve, reject });
        }),
    );
    await (pushed.length === 1 ? pushed[0] : Promise.all(pushed));
  }

  async function declared(queue: NonNullable<Publication['queue']>): Promise<void> {
    await bindings.declare([queue]).catch((error: unknown) => {
      throw hub.isClosed ? closedError() : notTaken(error);
    });
  }

  async function destinations(exchange: string, routingKey: string): Promise<readonly string[]> {
    const look = (fresh: boolean): Promise<readonly string[]> =>
      bindings.lookup(exchange, routingKey, fresh).catch((error: unknown) => {
        throw notTaken(error);
      });
    let targets = await look(false);
    if (targets.length === 0) targets = await look(true);
    if (targets.length > 0) return targets;
    throw new CeleriacError('CELERIAC_E_UNROUTABLE', `no queue is bound to exchange '${exchange}' with routing key '${routingKey}'`);
  }

  return {
    publish,
    async idle() {
      batch.flush();
      while (running.size > 0) await Promise.all(running);
    },
  };
}

function portions(pushes: readonly Push[]): readonly (readonly Push[])[] {
  const parts: Push[][] = [];
  let part: Push[] = [];
  let characters = 0;
  for (const push of pushes) {
    if (part.length === PUSH_COUNT || (part.length > 0 && characters + push.envelope.length > PUSH_CHARACTERS)) {
      parts.push(part);
      part = [];
      characters = 0;
    }
    part.push(push);
    characters += push.envelope.length;
  }
  parts.push(part);
  return parts;
}

function notTaken(error: unknown): CeleriacError {
  const cause = error instanceof Error ? error : new Error(String(error));
  return new CeleriacError('CELERIAC_E_PUBLISH', `Redis did not take the message: ${cause.message.slice(0, 300)}`, { cause });
}

function uncertain(cause: Error): CeleriacError {
  return new CeleriacError('CELERIAC_E_PUBLISH_UNCERTAIN', `it is unknown whether Redis took the message: ${cause.message}`, { cause });
}
