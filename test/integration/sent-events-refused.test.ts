// Brokers whose permissions take tasks and no events: tasks are sent as if nobody had asked for events.

import { execFileSync } from 'node:child_process';
import { createTransport, type Logger, type Transport } from '@celeriac/brokers';
import { Celery } from '@celeriac/producer';
import { afterEach, describe, expect, it } from 'vitest';
import { startRabbitmq } from '../brokers/rabbitmq.ts';
import { startRedis } from '../brokers/redis.ts';
import { consume, createInbox, idOf } from '../conformance/transport-rig.ts';
import { until } from '../until.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Publishes over one URL what another reads; the warnings of the former. */
async function sendAndRead(sending: string, reading: string): Promise<readonly string[]> {
  const warnings: string[] = [];
  const note = (_fields: object, text: string): void => void warnings.push(text);
  const logger: Logger = { debug: () => {}, info: () => {}, warn: note, error: note };
  const app = new Celery({ broker: sending, taskSendSentEvent: true, logger });
  closers.push(() => app.close());
  const ids = Array.from({ length: 3_000 }, (_, n) => `refused-${n}`);
  const task = app.task('tasks.any');
  expect(await app.publishMany(ids.map((taskId) => task.signature({ taskId })))).toMatchObject({ published: 3_000, failed: 0 });
  await until(() => warnings.length > 0, { what: 'a warning' });
  await app.sendTask('tasks.any', { taskId: 'after' });
  await app.close();

  const reader: Transport = await createTransport({ url: reading });
  closers.push(() => reader.close());
  const seen = new Set<string>();
  const inbox = createInbox((delivery) => {
    seen.add(idOf(delivery));
    void delivery.ack();
  });
  await consume(reader, inbox, [{ name: 'celery' }], { credit: 500 });
  await until(() => seen.size === 3_001, { what: 'every task' });
  expect(seen).toEqual(new Set(['after', ...ids]));
  return warnings;
}

describe('events that the broker refuses', () => {
  it('on Redis, to a user who may not PUBLISH', async () => {
    const redis = await startRedis();
    closers.push(() => redis.stop());
    const rule = ['ACL', 'SETUSER', 'shy', 'on', '>secret', '~*', '&*', '+@all', '-publish'];
    expect(String(execFileSync('redis-cli', ['-p', String(redis.port), ...rule]))).toContain('OK');
    const warnings = await sendAndRead(redis.url.replace('redis://', 'redis://shy:secret@'), redis.url);
    expect(warnings).toEqual([expect.stringContaining('task-sent')]);
  });

  it.each([
    ['declare', { configure: '^(?!celeryev)', write: '.*' }],
    ['write to', { configure: '.*', write: '^(?!celeryev)' }],
  ])(
    'on RabbitMQ, to a user who may not %s celeryev',
    async (_what, rights) => {
      const rabbitmq = await startRabbitmq();
      const vhost = await rabbitmq.createVhost();
      const user = `shy-${vhost.name}`;
      closers.push(
        () => rabbitmq.deleteVhost(vhost),
        () => rabbitmq.management('DELETE', `users/${user}`),
      );
      await rabbitmq.management('PUT', `users/${user}`, { password: 'secret', tags: '' });
      await rabbitmq.management('PUT', `permissions/${vhost.name}/${user}`, { ...rights, read: '.*' });
      const warnings = await sendAndRead(vhost.url.replace('guest:guest@', `${user}:secret@`), vhost.url);
      expect(warnings).toEqual([expect.stringContaining('task-sent')]);
    },
    180_000,
  );
});
