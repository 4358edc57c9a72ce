// Redis and RabbitMQ that speak nothing but TLS and ask for a client's certificate; the files come by the environment, as in a cluster.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificates, makeCertificates } from '../brokers/certificates.ts';
import { freePort } from '../brokers/free-port.ts';
import { type OwnRabbitmq, startOwnRabbitmq } from '../brokers/rabbitmq.ts';
import { type RedisServer, startRedis } from '../brokers/redis.ts';
import { createLedger } from '../ledger/ledger.ts';
import { runCeleriac, startCeleriac } from '../worker-process.ts';
import { ourWorker } from './autoscaler-rig.ts';

const TASKS = 'test/integration/autoscaler-tasks.ts';
let certificates: Certificates;
let redis: RedisServer;
let rabbitmq: OwnRabbitmq;
let folder: string;
const urls = { redis: '', rabbitmq: '' };

beforeAll(async () => {
  certificates = makeCertificates();
  folder = mkdtempSync(join(tmpdir(), 'celeriac-tls-'));
  const { ca, server } = certificates;
  const port = await freePort();
  const files = { cacertfile: ca, certfile: server.cert, keyfile: server.key, verify: 'verify_peer', fail_if_no_peer_cert: 'true' };
  [redis, rabbitmq] = await Promise.all([
    startRedis({
      tls: true,
      extraArgs: ['--tls-auth-clients', 'yes', '--tls-ca-cert-file', ca, '--tls-cert-file', server.cert, '--tls-key-file', server.key],
    }),
    startOwnRabbitmq({
      config: [`listeners.ssl.1 = 127.0.0.1:${port}`, ...Object.entries(files).map(([name, value]) => `ssl_options.${name} = ${value}`)],
    }),
  ]);
  urls.redis = redis.database(1);
  urls.rabbitmq = `amqps://guest:guest@127.0.0.1:${port}//`;
}, 240_000);
afterAll(async () => {
  await Promise.all([redis?.stop(), rabbitmq?.stop()]);
  certificates?.[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

function environment(broker: string, changes: Readonly<Record<string, string>> = {}): Record<string, string | undefined> {
  return {
    ...process.env,
    CELERY_BROKER_URL: broker,
    CELERY_RESULT_BACKEND: redis.url,
    CELERIAC_TLS_CA_FILE: certificates.ca,
    CELERIAC_TLS_CERT_FILE: certificates.client.cert,
    CELERIAC_TLS_KEY_FILE: certificates.client.key,
    ...changes,
  };
}

const call = (path: string, id: string, env: Record<string, string | undefined>, ...more: readonly string[]) =>
  runCeleriac(['call', 'test.work', '--args', JSON.stringify([path, id, 10]), ...more], { env });

describe.each(['redis', 'rabbitmq'] as const)('over TLS with %s', (kind) => {
  it('a worker takes a task and stores its result where the caller finds it', { timeout: 240_000 }, async () => {
    using ledger = createLedger();
    const env = environment(urls[kind]);
    const worker = startCeleriac(['worker', '-A', TASKS, '-c', '1', '-n', `tls@${kind}`], { env });
    try {
      await worker.line(/\bready\b/, 30_000);
      const called = await call(ledger.path, 'one', env, '--wait', '60');
      expect(called).toMatchObject({ code: 0, stdout: 'null\n' });
      expect(ledger.counts().ends.has('one')).toBe(true);
      const listed = await runCeleriac(['quarantine', 'list', '-Q', 'celery'], { env });
      expect(listed).toMatchObject({ code: 0, stdout: 'celery.quarantine is empty\n' });
      expect(worker.output()).not.toMatch(/not verified/);
    } finally {
      await worker.stop();
    }
  });

  it('an autoscaler brings a pool from zero, whose workers find the files where it does', { timeout: 240_000 }, async () => {
    using ledger = createLedger();
    const env = environment(urls[kind]);
    writeFileSync(join(folder, 'broker'), urls[kind]);
    writeFileSync(
      join(folder, 'pools.yaml'),
      `broker: { urlFile: ${join(folder, 'broker')} }
pools:
  tls:
    queues: [pool-${kind}]
    slotsPerReplica: 1
    scaling: { max: 1, goal: { queueWait: 2s }, idleToZero: 1s, downDelay: 1s }
    target: { local: { command: ${ourWorker} } }
`,
    );
    const autoscaler = startCeleriac(['autoscale', '-f', join(folder, 'pools.yaml'), '--http', 'off'], { env });
    try {
      await autoscaler.line(/autoscaler ready/, 30_000);
      const called = await call(ledger.path, 'two', env, '-Q', `pool-${kind}`, '--wait', '60');
      expect(called, autoscaler.output()).toMatchObject({ code: 0, stdout: 'null\n' });
      expect(autoscaler.output()).not.toMatch(/not verified/);
    } finally {
      await autoscaler.stop();
    }
  });

  it('nobody gets in without a certificate, nor trusts a server of an authority that is not known', { timeout: 180_000 }, async () => {
    using ledger = createLedger();
    const without = environment(urls[kind], { CELERIAC_TLS_CERT_FILE: '', CELERIAC_TLS_KEY_FILE: '' });
    expect((await call(ledger.path, 'x', without)).code).not.toBe(0);
    const stranger = environment(urls[kind], { CELERIAC_TLS_CA_FILE: '', CELERIAC_TLS_CERT_FILE: '', CELERIAC_TLS_KEY_FILE: '' });
    const refused = await call(ledger.path, 'x', { ...stranger, CELERY_BROKER_URL: `${urls[kind]}?ssl_cert_reqs=required` });
    expect(refused.output).toMatch(/certificate/i);
    expect(refused.code).not.toBe(0);
  });

  it('what the option ssl says comes before the environment', { timeout: 180_000 }, async () => {
    using ledger = createLedger();
    const { client, ca } = certificates;
    const wrong = environment(urls[kind], { CELERIAC_TLS_CA_FILE: client.cert });
    expect((await call(ledger.path, 'x', wrong)).code).not.toBe(0);
    const option = (name: string): readonly string[] => [name, `ssl=${JSON.stringify({ ca_certs: ca })}`];
    const sent = await call(ledger.path, 'x', wrong, '-Q', 'nobody', ...option('--broker-option'), ...option('--backend-option'));
    expect(sent, sent.output).toMatchObject({ code: 0 });
  });
});

describe('files that will not do', () => {
  const worker = (env: Record<string, string>) => runCeleriac(['worker', '-A', TASKS], { env: environment(urls.redis, env) });

  it('end a worker at its start with what and where', { timeout: 180_000 }, async () => {
    const missing = await worker({ CELERIAC_TLS_CA_FILE: '/nowhere/ca.crt' });
    expect(missing).toMatchObject({
      code: 78,
      output: expect.stringMatching(/CELERIAC_TLS_CA_FILE names a file that cannot be read: \/nowhere\/ca\.crt/),
    });
    const alone = await worker({ CELERIAC_TLS_KEY_FILE: '' });
    expect(alone).toMatchObject({
      code: 78,
      output: expect.stringMatching(/CELERIAC_TLS_CERT_FILE and CELERIAC_TLS_KEY_FILE go together/),
    });
    const swapped = await worker({ CELERIAC_TLS_KEY_FILE: certificates.client.cert });
    expect(swapped).toMatchObject({ code: 78, output: expect.stringMatching(/certificates and keys of .*client\.crt cannot be used/) });
  });
});
