/** Every error and quarantine code with one line of meaning. docs/errors.md is generated from this table. */
export const ERROR_CODES = {
  // Messages that cannot be read; these are also the reasons a message is quarantined.
  CELERIAC_E_ENVELOPE: 'The broker handed over something that is not a message envelope.',
  CELERIAC_E_HEADERS: 'The message headers are not a table of names to values.',
  CELERIAC_E_BODY_ENCODING: 'The message body is missing or not encoded as its envelope says.',
  CELERIAC_E_BODY: 'The message body is not the [args, kwargs, embed] of a task.',
  CELERIAC_E_CONTENT_TYPE: 'The content type is missing or one this worker does not accept.',
  CELERIAC_E_CONTENT_ENCODING: 'The content encoding is not a text or binary encoding.',
  CELERIAC_E_COMPRESSION: 'The body is compressed in an unknown way, or is corrupt.',
  CELERIAC_E_TOO_LARGE: 'A message or a value in it is over a limit.',
  CELERIAC_E_TASK_ID: 'The task id is missing, too long or not text.',
  CELERIAC_E_TASK_NAME: 'The task name is missing or not text.',
  CELERIAC_E_REQUEST_FIELD: 'A field of the task request has a value that cannot be honoured.',
  CELERIAC_E_EMBED: 'The callbacks, errbacks, chain or chord of the message are malformed.',
  CELERIAC_E_WORKER_LOST: 'The task ended the process that ran it too many times.',
  CELERIAC_E_PROTOCOL: 'The message speaks of something this version does not support.',
  // Calls
  CELERIAC_E_ARGUMENTS: 'Arguments do not bind to the parameters of the task.',
  CELERIAC_E_VALUE: 'A value cannot be written in the chosen serializer without loss.',
  CELERIAC_E_PUBLISH: 'The broker did not take the message.',
  CELERIAC_E_PUBLISH_UNCERTAIN: 'It is unknown whether the broker took the message; the same task id may be sent again.',
  CELERIAC_E_UNROUTABLE: 'No queue takes messages of this exchange and routing key.',
  CELERIAC_E_NO_POOL_FITS: 'No worker pool has what the task needs; nothing was published.',
  CELERIAC_E_RESULT_TIMEOUT: 'The result did not arrive in time.',
  CELERIAC_E_TASK_FAILED: 'The task ended in FAILURE.',
  CELERIAC_E_TASK_REVOKED: 'The task was revoked or had expired.',
  CELERIAC_E_NO_BACKEND: 'A result was asked for, but no result backend is configured.',
  // Configuration and operation
  CELERIAC_E_URL: 'A broker or backend URL cannot be used.',
  CELERIAC_E_CONFIG: 'The configuration has an error.',
  CELERIAC_E_CONNECTION: 'The server cannot be reached or refused the connection.',
  CELERIAC_E_CLOSED: 'The client or worker has been closed.',
  CELERIAC_E_BROKER: 'The broker refused an operation.',
  CELERIAC_E_KUBERNETES: 'The Kubernetes API refused a call, failed at it or could not be reached.',
  CELERIAC_E_LEASE: 'The lease of the autoscaler cannot be had, or was lost before something was written to it.',
  CELERIAC_E_LEASE_MEMORY: 'What the last holder of the lease left cannot be read; its successor begins without it.',
  CELERIAC_E_EVICTION: 'The Redis server may evict keys, so that tasks may be lost.',
  CELERIAC_E_TASK_MODULE: 'The task module cannot be imported.',
  CELERIAC_E_DUPLICATE_TASK: 'Two tasks have the same name.',
  CELERIAC_E_CHILD: 'A child process could not be started.',
  CELERIAC_E_TIMEOUT: 'An operation did not end in time.',
} as const;

/** A key of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES;
