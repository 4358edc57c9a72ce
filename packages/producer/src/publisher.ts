import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { createTransport, type QueueDeclaration, silentLogger } from '@celeriac/brokers';
import { CeleriacError, encodeTask, isCeleriacError, type Route, routeTask } from '@celeriac/protocol';
import { toTaskCall } from './apply-options.ts';
import type { CeleryOptions } from './celery-options.ts';
import { declarationOf } from './destination.ts';
import { retryRefusedPublish } from './publish-retry.ts';
import type { Signature } from './signature.ts';
import { type CallValues, validateCall } from './validate-call.ts';

/** Publishes for one client. Loaded with its driver at the first call. */
export interface Publisher {
  /** Publishes one signature; resolves with the task id when the broker has it. */
  publish(signature: Signature<never[], unknown>): Promise<string>;
  close(): Promise<void>;
}

/** Opens the transport of the client's broker; connects at the first publish. */
export async function openPublisher(options: CeleryOptions): Promise<Publisher> {
  const { broker, brokerTransportOptions, publishTimeoutMs = 15_000, logger = silentLogger } = options;
  const transport = await createTransport({
    url: broker,
    logger,
    ...(brokerTransportOptions !== undefined && { transportOptions: brokerTransportOptions }),
    publishTimeoutMs,
  });
  const origin = `gen${process.pid}@${hostname()}`;
  const declarations = new Map<string, { queue?: QueueDeclaration }>();

  const declaration = (route: Route): { queue?: QueueDeclaration } => {
    const key = `${route.exchange}\n${route.queue}`;
    let known = declarations.get(key);
    if (known === undefined) {
      const queue = declarationOf(route, options);
      known = queue === undefined ? {} : { queue };
      declarations.set(key, known);
    }
    return known;
  };

  const send = async (signature: Signature<never[], unknown>, values: CallValues): Promise<string> => {
    const { contract } = signature;
    const at = { nowMs: Date.now(), newId: randomUUID(), origin };
    const call = toTaskCall({ name: contract.name, args: values.args, kwargs: values.kwargs }, signature.options, at);
    const route = routeTask(
      contract.name,
      { ...(contract.queue !== undefined && { queue: contract.queue }), ...signature.options },
      options,
    );
    const priority = call.priority ?? transport.traits.defaultPriority;
    const message = encodeTask(priority === null ? call : { ...call, priority });
    const publication = { message, exchange: route.exchange, routingKey: route.routingKey, ...declaration(route) };
    try {
      await retryRefusedPublish(() => transport.publish(publication), publishTimeoutMs, options.publishRetry);
    } catch (error) {
      throw withTaskId(error, call.taskId);
    }
    return call.taskId;
  };

  return {
    async publish(signature) {
      const values = validateCall(signature.contract, signature.args, signature.kwargs);
      return await send(signature, values instanceof Promise ? await values : values);
    },
    close: () => transport.close(),
  };
}

function withTaskId(error: unknown, taskId: string): unknown {
  if (!isCeleriacError(error)) return error;
  const text = error.message.slice(error.code.length + 2);
  return new CeleriacError(error.code, `task ${taskId}: ${text}`, { cause: error.cause ?? error, data: { ...error.data, taskId } });
}
