import type { Request } from '@celeriac/protocol';

/** A request as a decoder makes it, with what a test says different. */
export function requestOf(changes: Partial<Request> = {}): Request {
  return {
    protocol: 2,
    id: '7f7f5d4e-0000-4000-8000-000000000001',
    taskName: 'tasks.add',
    shadow: null,
    rootId: '7f7f5d4e-0000-4000-8000-000000000001',
    parentId: null,
    groupId: null,
    groupIndex: null,
    retries: 0,
    eta: null,
    expires: null,
    timeLimitS: null,
    softTimeLimitS: null,
    ignoreResult: null,
    replyTo: null,
    correlationId: null,
    origin: null,
    argsRepr: '(1, 2)',
    kwargsRepr: '{}',
    replacedTaskNesting: 0,
    stampedHeaders: null,
    stamps: {},
    headers: {},
    deliveryInfo: { exchange: '', routingKey: 'celery', priority: null, redelivered: false },
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    compression: null,
    body: new TextEncoder().encode('[[1, 2], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]'),
    ...changes,
  };
}
