import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { type Autoscaler, createAutoscaler, readPools } from '@celeriac/autoscaler';
import { createTransport } from '@celeriac/brokers';

const HERE = import.meta.dirname;
/** The `celeriac` command of this repository. */
const CELERIAC = resolve(dirname(createRequire(import.meta.url).resolve('celeriac/package.json')), 'dist/main.js');

export interface Fleet {
  readonly autoscaler: Autoscaler;
  /** Drains the workers and stops; resolves with how many were still there at the end. */
  stop(): Promise<number>;
}

/** The autoscaler of pools.yaml, starting `celeriac worker` processes on this machine. */
export async function startFleet(
  urls: { readonly broker: string; readonly backend: string },
  onWorkerLine: (line: string) => void,
): Promise<Fleet> {
  const file = resolve(HERE, 'pools.yaml');
  const config = await readPools(await readFile(file, 'utf8'), file);
  const pools = config.pools.map((pool) => (pool.target.kind === 'local' ? { ...pool, target: { ...pool.target, cwd: HERE } } : pool));
  const transport = await createTransport({ url: urls.broker });
  const autoscaler = createAutoscaler({
    config: { ...config, pools },
    transport,
    programs: { celeriac: [process.execPath, CELERIAC] },
    env: { ...process.env, CELERY_BROKER_URL: urls.broker, CELERY_RESULT_BACKEND: urls.backend },
    output: (_id, line) => onWorkerLine(line),
  });
  await autoscaler.start();
  return {
    autoscaler,
    async stop() {
      const left = await autoscaler.stop();
      await transport.close();
      return left.length;
    },
  };
}
