// The password of the broker is changed under an autoscaler that reads its URL from a file: it goes over without a shrink, and without a word
// of either password.

import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connectBroker } from '../../packages/autoscaler/src/broker/registry.ts';
import { startRabbitmq } from '../brokers/rabbitmq.ts';
import { startRedis } from '../brokers/redis.ts';
import { createLedger } from '../ledger/ledger.ts';
import { spawnProcess } from '../spawned-process.ts';
import { until } from '../until.ts';
import { ourWorker, startAutoscaler } from './autoscaler-rig.ts';
import { createGate } from './gate.ts';

const OLD = 'cAn@ry/old:4?f#1%z';
const NEW = 'kEn@ry/new:7?g#2%y';
const WRONG = 'wR0ng@ry/8:4?f#1%x';
const SECRETS = [OLD, NEW, WRONG].flatMap((secret) => [secret, encodeURIComponent(secret), secret.slice(0, 6), secret.slice(-5)]);

interface RotatingBroker {
  /** For the workers and for whoever publishes: another user, whose password stays. */
  readonly url: string;
  /** The autoscaler's, with this password. */
  scaler(password: string): string;
  /** Makes this the password, and no other. */
  setPassword(password: string): Promise<void>;
  /** Ends the autoscaler's connections. */
  disconnect(): Promise<void>;
  /** How many connections the autoscaler has. */
  connections(): Promise<number>;
  stop(): Promise<void>;
}

const brokers: Readonly<Record<string, () => Promise<RotatingBroker>>> = {
  redis: async () => {
    const redis = await startRedis();
    const cli = async (...args: readonly string[]): Promise<string> => {
      const run = spawnProcess('redis-cli', ['-p', String(redis.port), ...args]);
      await run.ended;
      return run.output();
    };
    return {
      url: redis.url,
      scaler: (password) => `redis://scaler:${encodeURIComponent(password)}@127.0.0.1:${redis.port}/0`,
      setPassword: async (password) => {
        expect(await cli('ACL', 'SETUSER', 'scaler', 'on', 'resetpass', `>${password}`, '~*', '&*', '+@all')).toContain('OK');
      },
      disconnect: async () => void (await cli('CLIENT', 'KILL', 'USER', 'scaler')),
      connections: async () => (await cli('CLIENT', 'LIST')).split('\n').filter((line) => line.includes('user=scaler')).length,
      stop: () => redis.stop(),
    };
  },
  rabbitmq: async () => {
    const rabbitmq = await startRabbitmq();
    const vhost = await rabbitmq.createVhost();
    const user = `scaler-${vhost.name}`;
    const mine = async (): Promise<readonly string[]> => {
      const rows = await rabbitmq.rabbitmqctl('-q', 'list_connections', 'pid', 'user');
      return rows.split('\n').flatMap((row) => (row.trim().endsWith(user) ? [row.split('\t')[0] ?? ''] : []));
    };
    return {
      url: vhost.url,
      scaler: (password) => `amqp://${user}:${encodeURIComponent(password)}@127.0.0.1:${rabbitmq.port}/${vhost.name}`,
      setPassword: async (password) => {
        await rabbitmq.management('PUT', `users/${user}`, { password, tags: '' });
        await rabbitmq.management('PUT', `permissions/${vhost.name}/${user}`, { configure: '.*', write: '.*', read: '.*' });
      },
      disconnect: async () => {
        for (const pid of await mine()) await rabbitmq.rabbitmqctl('close_connection', pid, 'rotated');
      },
      connections: async () => (await mine()).length,
      stop: async () => {
        await rabbitmq.deleteVhost(vhost);
        await rabbitmq.management('DELETE', `users/${user}`);
      },
    };
  },
};

/** A pool that would shrink at once if it believed that nothing was there. */
const pools = `
pools:
  default:
    queues: [celery]
    slotsPerReplica: 1
    scaling:
      max: 3
      goal: { queueWait: 1s, expectedTaskTime: 30s, expectedStartTime: 1s }
      idleToZero: 500ms
      downDelay: 500ms
    target: { local: { command: ${ourWorker} } }
`;

describe.each(Object.entries(brokers))('on %s', (kind, startBroker) => {
  it('a changed password is taken up from the file; nothing shrinks and nothing is told', { timeout: 300_000 }, async () => {
    const broker = await startBroker();
    const folder = mkdtempSync(join(tmpdir(), 'celeriac-rotation-'));
    const [urlFile, journalFile] = [join(folder, 'url'), join(folder, 'journal.jsonl')];
    const write = (password: string): void => {
      writeFileSync(join(folder, 'next'), `${broker.scaler(password)}\n`);
      renameSync(join(folder, 'next'), urlFile);
    };
    try {
      await broker.setPassword(OLD);
      write(OLD);
      const log: string[] = [];
      const note = (level: string) => (fields: Readonly<Record<string, unknown>>, text: string) => {
        const { err } = fields;
        const error = err instanceof Error ? `${err.stack} ${String(err.cause)}` : '';
        log.push(`${level} ${text} ${error} ${JSON.stringify({ ...fields, err: undefined })}`);
      };
      const logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
      const transport = await connectBroker({ source: { urlFile }, logger, retryMs: 200 });
      using ledger = createLedger();
      {
        await using rig = await startAutoscaler(broker.url, pools, { transport, journalFile, logger });
        using gate = createGate();
        const ids = ['a', 'b'];
        for (const id of ids) await rig.celery.sendTask('test.work', { args: [ledger.path, id, 0, gate.path] });
        await rig.nextTick((tick) => tick.decision.evidence.active === 2);
        const from = rig.ticks.length;

        write(WRONG);
        await until(() => log.some((line) => line.includes('the new broker URL does not work')), { what: 'a complaint' });
        expect(log.find((line) => line.includes('does not work'))).toMatch(/CELERIAC_E_\w+.*scaler[^:]*:\*\*@/s);
        await rig.nextTick((tick) => tick.decision.evidence.unknown.length === 0 && tick.decision.evidence.active === 2);
        expect(transport.url).toBe(broker.scaler(OLD));

        await broker.setPassword(NEW);
        write(NEW);
        await until(() => transport.url === broker.scaler(NEW), { what: 'the link to go over' });
        await until(async () => (await broker.connections()) <= 3, {
          timeoutMs: 60_000,
          everyMs: 200,
          what: 'the old connections to be closed',
        });
        const swappedAtMs = Date.now();
        await rig.nextTick(({ seen }) => {
          const beats = seen.replicas.kind === 'reading' ? seen.replicas.value.map(({ active }) => active) : [];
          return beats.length === 2 && beats.every((active) => active.kind === 'reading' && active.atMs > swappedAtMs);
        });

        // Whoever still used the old password could not come back from this.
        await broker.disconnect();
        await rig.celery.sendTask('test.work', { args: [ledger.path, 'c', 100] });
        await rig.nextTick((tick) => tick.decision.evidence.replicas.ready === 3, 90_000);
        await ledger.allEnded(['c'], 60_000);
        const early = rig.ticks.slice(from).filter(({ decision }) => decision.to < Math.min(2, decision.from));
        expect(early.map(({ decision }) => decision.text)).toEqual([]);
        gate.open();
        await ledger.allEnded(ids, 60_000);
        expect([...ledger.counts().starts.values()]).toEqual([1, 1, 1]);
        log.push(...rig.lines, JSON.stringify(rig.ticks));
      }
      await transport.close();
      log.push(readFileSync(journalFile, 'utf8'));
      const all = log.join('\n');
      for (const secret of SECRETS) expect(all.includes(secret), `${kind}: ${secret} in the output`).toBe(false);
    } finally {
      await broker.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
