// Plays the task events of a busy fleet: node --conditions=@celeriac/source task-events.ts URL RATE; RATE is events a second.

import { createTransport } from '@celeriac/brokers';
import { encodeEvent } from '@celeriac/protocol';

const SLICE_MS = 10;
const WORKERS = 50;
const TASKS = 20;
const [url = '', rate = '0'] = process.argv.slice(2);
const perMs = Number(rate) / 1_000;
const transport = await createTransport({ url });
const stages = ['received', 'started', 'succeeded'] as const;
let sent = 0;
let owed = 0;
let lastMs = performance.now();

async function tell(index: number): Promise<void> {
  const task = Math.floor(index / stages.length);
  const stage = stages[index % stages.length] as (typeof stages)[number];
  const nodename = `celery@pod-${task % WORKERS}`;
  const about = {
    received: { name: `tasks.number_${task % TASKS}`, args: '()', kwargs: '{}', retries: 0, eta: null, expires: null },
    started: {},
    succeeded: { result: 'None', runtime: 0.1 },
  }[stage];
  const event = {
    type: `task-${stage}`,
    uuid: `task-${task}`,
    timestamp: Date.now() / 1_000,
    utcoffset: 0,
    pid: 7,
    clock: index,
    ...about,
  };
  await transport.bus.broadcast('celeryev', `task.${stage}`, encodeEvent(event, nodename));
}

function slice(): void {
  const nowMs = performance.now();
  owed += perMs * (nowMs - lastMs);
  lastMs = nowMs;
  for (; owed >= 1; owed -= 1) tell(sent++).catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
  setTimeout(slice, SLICE_MS);
}

slice();
process.stdout.write('telling\n');
