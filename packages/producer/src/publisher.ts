import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { createTransport, type Publication, silentLogger } from '@celeriac/brokers';
import {
  CeleriacError,
  createPoolRouter,
  encodeTask,
  isCeleriacError,
  mergeNeeds,
  placeTask,
  routeTask,
  stringifyJson,
  type TaskNeeds,
} from '@celeriac/protocol';
import { toTaskCall } from './apply-options.ts';
import type { CeleryOptions } from './celery-options.ts';
import { declarationOf } from './destination.ts';
import { retryRefusedPublish } from './publish-retry.ts';
import type { Signature } from './signature.ts';
import { type CallValues, validateCall } from './validate-call.ts';

type AnySignature = Signature<never[], unknown>;
type Destination = Omit<Publication, 'message'>;

/** Callers may name a queue per call: what is remembered of their routes is bounded. */
const MAX_DESTINATIONS = 10_000;

/** Publishes for one client. Loaded with its driver at the first call. */
export interface Publisher {
  /** Publishes one signature; resolves with the task id when the broker has it. */
  publish(signature: AnySignature): Promise<string>;
  close(): Promise<void>;
}

/** Opens the transport of the client's broker; connects at the first publish. */
export async function openPublisher(options: CeleryOptions): Promise<Publisher> {
  const { broker, brokerTransportOptions, pools, publishTimeoutMs = 15_000, taskSendSentEvent = false, logger = silentLogger } = options;
  const router = pools === undefined ? undefined : createPoolRouter(pools);
  const transport = await createTransport({
    url: broker,
    logger,
    ...(brokerTransportOptions !== undefined && { transportOptions: brokerTransportOptions }),
    publishTimeoutMs,
  });
  const origin = `gen${process.pid}@${hostname()}`;
  const sentEvents = taskSendSentEvent
    ? (await import('./sent-events.ts')).createSentEvents({ bus: transport.bus, nodename: origin, logger })
    : undefined;
  const { defaultPriority } = transport.traits;
  const destinations = new Map<string, Destination>();

  const needsOf = ({ contract, options: { resources } }: AnySignature): TaskNeeds | undefined => {
    if (router !== undefined) return mergeNeeds(contract.resources, resources);
    if (resources === undefined) return undefined;
    const text = `${contract.name} was not sent: it states resources, but this client knows no pools: new Celery({ broker, pools })`;
    throw new CeleriacError('CELERIAC_E_CONFIG', text, { data: { task: contract.name } });
  };
  const destinationOf = (signature: AnySignature): Destination => {
    const { contract, options: stated } = signature;
    const { queue = contract.queue, exchange, routingKey } = stated;
    const needs = needsOf(signature);
    const needsKey = needs === undefined ? '' : stringifyJson(needs);
    const key = `${contract.name}\n${queue ?? ''}\n${exchange ?? ''}\n${routingKey ?? ''}\n${needsKey}`;
    let known = destinations.get(key);
    if (known === undefined) {
      const asked = {
        ...(queue !== undefined && { queue }),
        ...(exchange !== undefined && { exchange }),
        ...(routingKey !== undefined && { routingKey }),
      };
      const placed =
        needs === undefined || router === undefined
          ? { kind: 'route' as const, route: routeTask(contract.name, asked, options) }
          : placeTask(contract.name, asked, needs, options, router);
      if (placed.kind === 'refused') throw placed.error;
      const { route } = placed;
      const declaration = declarationOf(route, options);
      known = { exchange: route.exchange, routingKey: route.routingKey, ...(declaration !== undefined && { queue: declaration }) };
      if (destinations.size >= MAX_DESTINATIONS) destinations.clear();
      destinations.set(key, known);
    }
    return known;
  };

  const send = (signature: AnySignature, { args, kwargs }: CallValues): Promise<string> => {
    const call = toTaskCall({ name: signature.contract.name, args, kwargs }, signature.options, {
      nowMs: Date.now(),
      newId: randomUUID(),
      origin,
    });
    const message = encodeTask(defaultPriority === null || call.priority !== undefined ? call : { ...call, priority: defaultPriority });
    const publication: Publication = { message, ...destinationOf(signature) };
    const { taskId } = call;
    const published = retryRefusedPublish(() => transport.publish(publication), publishTimeoutMs, options.publishRetry);
    sentEvents?.follow(published, publication);
    return published.then(
      () => taskId,
      (error: unknown) => {
        throw withTaskId(error, taskId);
      },
    );
  };

  return {
    async publish(signature) {
      const values = validateCall(signature.contract, signature.args, signature.kwargs);
      return send(signature, values instanceof Promise ? await values : values);
    },
    async close() {
      await sentEvents?.close();
      await transport.close();
    },
  };
}

function withTaskId(error: unknown, taskId: string): unknown {
  if (!isCeleriacError(error)) return error;
  const text = error.message.slice(error.code.length + 2);
  return new CeleriacError(error.code, `task ${taskId}: ${text}`, { cause: error.cause ?? error, data: { ...error.data, taskId } });
}
