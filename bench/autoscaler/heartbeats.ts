// Plays the heartbeats of many workers: node --conditions=@celeriac/source heartbeats.ts URL FILE; FILE has one host a line.

import { readFileSync } from 'node:fs';
import { createTransport } from '@celeriac/brokers';
import { encodeEvent } from '@celeriac/protocol';

const EVERY_MS = 2_000;
const SLICE_MS = 20;
const [url = '', file = ''] = process.argv.slice(2);
const hosts = readFileSync(file, 'utf8').split('\n').filter(Boolean);
const transport = await createTransport({ url });
const processed = new Map<string, number>();
let next = 0;
let owed = 0;
let lastMs = performance.now();

async function beat(host: string): Promise<void> {
  const nodename = `celery@${host}`;
  const done = (processed.get(host) ?? 0) + (Math.random() < 0.3 ? 1 : 0);
  processed.set(host, done);
  const active = Math.random() < 0.1 ? 1 : 2;
  const fields = {
    freq: 2,
    pid: 7,
    active,
    processed: done,
    slots: 2,
    reserved: 0,
    sw_ident: 'celeriac',
    sw_ver: '0.1.0',
    sw_sys: 'Linux',
  };
  const event = { type: 'worker-heartbeat', hostname: nodename, timestamp: Date.now() / 1_000, utcoffset: 0, clock: done, ...fields };
  await transport.bus.broadcast('celeryev', 'worker.heartbeat', encodeEvent(event, nodename));
}

function slice(): void {
  const nowMs = performance.now();
  owed += (hosts.length * (nowMs - lastMs)) / EVERY_MS;
  lastMs = nowMs;
  for (; owed >= 1; owed -= 1) {
    beat(hosts[next] as string).catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
    next = (next + 1) % hosts.length;
  }
  setTimeout(slice, SLICE_MS);
}

slice();
process.stdout.write('beating\n');
