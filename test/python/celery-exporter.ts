// A real celery-exporter (danihodovic/celery-exporter) on a broker.

import { freePort } from '../brokers/free-port.ts';
import { spawnProcess } from '../spawned-process.ts';
import type { PythonPeer } from './venv.ts';

export interface CeleryExporter {
  /** Where its `/metrics` and `/health` are. */
  readonly url: string;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** `peer` is `pythonPeer('exporter')`. Resolves when it answers; it hears events a moment later. */
export async function startCeleryExporter(peer: PythonPeer, broker: string, args: readonly string[] = []): Promise<CeleryExporter> {
  const port = await freePort();
  const options = ['--broker-url', broker, '--host', '127.0.0.1', '--port', String(port), ...args];
  const run = ['-c', "from src.cli import cli; cli(prog_name='celery-exporter')"];
  const exporter = spawnProcess(peer.python, [...run, ...options], { env: peer.env, group: true });
  const stop = async (): Promise<void> => {
    await exporter.kill();
  };
  try {
    await exporter.line(/Started celery-exporter/, 120_000);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: `http://127.0.0.1:${port}`, stop, [Symbol.asyncDispose]: stop };
}
