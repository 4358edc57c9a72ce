import { randomBytes } from 'node:crypto';
import { type Consumer, createControlNode, type Subscription } from '@celeriac/brokers';
import { type Clients, createClients, whenBrokerIsThere } from './connect.ts';
import { controlHandlers } from './control/handlers.ts';
import { Drain } from './drain.ts';
import type { HttpServer } from './http/http-server.ts';
import { CreditControl } from './intake/credit-control.ts';
import { createPool, createStages, type Stages } from './stages.ts';
import { isBuiltIn } from './tasks/built-in.ts';
import type { TaskManifest } from './tasks/manifest.ts';
import type { Worker, WorkerEnd, WorkerOptions } from './worker-options.ts';
import { confOf, settleOptions, type WorkerSettings } from './worker-settings.ts';

/** What has waited this long behind nothing but long tasks is given back to whoever is free. */
const STUCK_MS = 1_000;

/** Creates a worker. Nothing happens before `start`. Throws CELERIAC_E_CONFIG. */
export function composeWorker(options: WorkerOptions): Worker {
  const settings = settleOptions(options);
  const ended = Promise.withResolvers<WorkerEnd>();
  const stopping = new AbortController();
  let composing: Promise<Parts> | undefined;
  let parts: Parts | undefined;

  const nothing = (): WorkerEnd => ({ finished: 0, interrupted: 0, handedBack: 0 });
  const begin = (made: Parts): Promise<WorkerEnd> => made.drain.begin(settings.drainTimeoutMs);
  const drain = (): Promise<WorkerEnd> => {
    stopping.abort();
    // Asked to while its drivers load, it ends as soon as there is something to end.
    const end = parts === undefined ? (composing?.then(begin, nothing) ?? Promise.resolve(nothing())) : begin(parts);
    ended.resolve(end);
    return end;
  };
  return {
    nodename: settings.nodename,
    ended: ended.promise,
    get http() {
      return addressOf(parts?.http());
    },
    async start() {
      try {
        composing = compose(settings, () => {
          options.onShutdown?.();
          void drain();
        });
        parts = await composing;
        await parts.open(stopping.signal);
      } catch (error) {
        const asked = stopping.signal.aborted;
        await drain();
        if (!asked) throw error; // else a drain came first, and this is what it left unfinished
      }
    },
    drain,
    hurry: () => {
      if (parts === undefined) composing?.then((made) => made.drain.hurry(), nothing);
      else parts.drain.hurry();
    },
    reload: async (onLoaded) => parts?.reload(onLoaded),
  };
}

/** What a started worker is made of, as far as its handle needs it. */
interface Parts {
  readonly drain: Drain;
  readonly http: () => HttpServer | undefined;
  open(signal: AbortSignal): Promise<void>;
  reload(onLoaded?: () => void): Promise<void>;
}

/** Starts the children and loads the drivers side by side, then puts the stages together. */
async function compose(settings: WorkerSettings, shutdown: () => void): Promise<Parts> {
  let stages: Stages | undefined;
  const pool = createPool(settings, () => stages);
  const manifest = pool.start();
  manifest.catch(() => {}); // told by `open`
  try {
    const clients = await createClients(settings);
    stages = createStages(settings, pool, clients);
    return createParts(settings, clients, stages, manifest, shutdown);
  } catch (error) {
    await pool.close(AbortSignal.abort());
    throw error;
  }
}

/** What is left beside the stages: the consumer and its credit, remote control, HTTP, and the way out. */
function createParts(
  settings: WorkerSettings,
  clients: Clients,
  stages: Stages,
  loaded: Promise<TaskManifest>,
  shutdown: () => void,
): Parts {
  const { transport, backend } = clients;
  const { nodename, queues, options, logger, limits } = settings;
  const { pool, hand, held, booking, intake, carryOut, dispatcher, runTimes, now } = stages;
  const startedAtMs = now();
  let [consumer, control, http]: [Consumer?, Subscription?, HttpServer?] = [];
  let manifest: TaskManifest = { tasks: [] };
  let connected = false;

  const onStuck = (): void => {
    pool.takeBack();
    const beforeMs = now() - STUCK_MS;
    for (const attempt of booking.remove((waiting) => waiting.receivedAtMs < beforeMs)) intake.handBack(attempt);
  };
  const credit = new CreditControl({ ...{ pool, hand, held, booking, carryOut, runTimes, now, onStuck }, consumer: () => consumer });
  const closeRest = () => [control?.close(), http?.close(), transport.close(), backend?.close()].map((closing) => Promise.resolve(closing));
  const drain = new Drain({ ...stages, ...{ credit, logger, closeRest }, consumer: () => consumer });

  const register = (next: TaskManifest): void => {
    manifest = next;
    stages.register(next);
  };
  const consume = (): Promise<Consumer> =>
    transport.consume({
      queues,
      owner: `${nodename}/${randomBytes(4).toString('hex')}`,
      credit: 0,
      startsAtOnce: () => booking.startsAtOnce(),
      onDeliveries: (deliveries) => {
        intake.take(deliveries);
        credit.update();
      },
      onEvent: (event) => {
        if (event.kind === 'disconnected') logger.warn({ err: event.error }, 'broker connection lost; what runs goes on');
        connected = event.kind === 'connected' || (connected && event.kind === 'problem');
        if (event.kind === 'disconnected') intake.forgetLost();
      },
    });
  const listen = (): Promise<Subscription> => {
    const { traits, bus } = transport;
    const conf = confOf(settings);
    const maxTasksPerChild = options.maxTasksPerChild ?? null;
    const node = { ...stages, ...{ nodename, traits, backend, conf, limits, maxTasksPerChild, startedAtMs, logger, shutdown } };
    const handlers = controlHandlers({ ...node, consumer: () => consumer, manifest: () => manifest, credit: () => credit.credit });
    return createControlNode({ bus, nodename, handlers, clock: stages.clock, logger });
  };
  const notReady = (): string | null => {
    if (drain.hasBegun) return 'draining';
    return manifest.tasks.length === 0 ? 'starting' : connected ? null : 'no broker connection';
  };
  const serve = async (): Promise<HttpServer | undefined> => {
    if (options.http === undefined) return undefined;
    const [{ startHttpServer }, { createMetrics }] = await Promise.all([import('./http/http-server.ts'), import('./http/metrics.ts')]);
    const metrics = createMetrics({ tally: stages.tally, gauges: () => gaugesOf(stages, credit.credit, connected) });
    return startHttpServer({ ...options.http, notReady, metrics });
  };

  return {
    drain,
    http: () => http,
    async open(signal) {
      if (signal.aborted) return;
      http = await serve();
      if (signal.aborted) {
        await http?.close(); // the drain may not have seen it
        return;
      }
      const joined = whenBrokerIsThere(settings, signal, async () => {
        consumer ??= await consume();
        control ??= await listen();
      });
      register((await Promise.all([loaded, joined]))[0]);
      if (drain.hasBegun) return;
      dispatcher.start();
      credit.open();
      logger.info(
        {
          queues: queues.map(({ name }) => name),
          slots: pool.slots.total,
          tasks: manifest.tasks.filter(({ name }) => !isBuiltIn(name)).length,
        },
        `${nodename} takes tasks`,
      );
    },
    async reload(onLoaded) {
      await pool.reload((next) => {
        register(next);
        onLoaded?.();
      });
    },
  };
}

function gaugesOf({ hand, held, pool, carryOut }: Stages, credit: number, connected: boolean) {
  const [active, settling] = [hand.running.size, carryOut.pending];
  const reserved = Math.max(0, hand.size - active - held.attempts.length - settling);
  return { slots: pool.slots.total, active, reserved, held: held.attempts.length, settling, credit, connected };
}

function addressOf(server: HttpServer | undefined): { readonly host: string; readonly port: number } | undefined {
  return server === undefined ? undefined : { host: server.host, port: server.port };
}
