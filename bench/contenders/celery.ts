import { resolve } from 'node:path';
import { type PythonPeer, pythonPeer } from '../../test/python/venv.ts';
import { spawnProcess } from '../../test/spawned-process.ts';
import type { BrokerName, Contender, Servers } from '../contender.ts';
import { fillCeleryQueue } from './celery-messages.ts';
import { countResults } from './result-count.ts';
import { startWorker } from './start-worker.ts';

const SCRIPTS = resolve(import.meta.dirname, '../scripts');

function environment(peer: PythonPeer, broker: BrokerName, servers: Servers): Record<string, string> {
  return {
    ...peer.env,
    PYTHONPATH: SCRIPTS,
    BENCH_BROKER: broker === 'redis' ? servers.redisUrl : servers.rabbitmqUrl,
    BENCH_BACKEND: servers.backendUrl,
  };
}

async function runJson(script: string, args: readonly string[], env: Record<string, string>, python: string): Promise<unknown> {
  const child = spawnProcess(python, [resolve(SCRIPTS, script), ...args], { cwd: SCRIPTS, env });
  const end = await child.ended;
  const printed = child.output().trim();
  if (end.code !== 0) throw new Error(`${script} ended with ${end.code ?? end.signal}: ${printed}`);
  return JSON.parse(printed.slice(printed.lastIndexOf('\n') + 1));
}

/** Stock Celery 5.7, prefork, its default settings. */
export const celery: Contender = {
  name: 'celery 5.7',
  guarantees: 'process per slot, early ack, result stored; publishes confirmed on RabbitMQ',
  brokers: ['redis', 'rabbitmq'],
  fill: fillCeleryQueue,
  done: (servers) => countResults(servers.backendUrl),
  async startWorker(broker, servers) {
    const peer = await pythonPeer('celery57');
    const args = ['-A', 'celery_tasks', 'worker', '-c', '2', '-n', 'bench@%h', '-l', 'WARNING', '--without-mingle'];
    return await startWorker(peer.bin('celery'), args, {
      cwd: SCRIPTS,
      env: environment(peer, broker, servers),
      readyLine: /ready\./,
      readyTimeoutMs: 60_000,
      end: (worker) => worker.stop(60_000),
    });
  },
  async publish(way, broker, servers, count) {
    if (way === 'batch') return null;
    const peer = await pythonPeer('celery57');
    const env = { ...environment(peer, broker, servers), BENCH_CONFIRM: '1' };
    const answer = (await runJson('celery_publish.py', [String(count)], env, peer.python)) as { rate: number };
    return answer.rate;
  },
  async latencies(broker, servers, count) {
    const peer = await pythonPeer('celery57');
    const answer = (await runJson('celery_latency.py', [String(count)], environment(peer, broker, servers), peer.python)) as {
      latencies: number[];
    };
    return answer.latencies;
  },
};
