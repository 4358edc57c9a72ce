import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { type Autoscaler, createAutoscaler, readPools } from '@celeriac/autoscaler';
import { createTransport, type Logger } from '@celeriac/brokers';

const HERE = import.meta.dirname;
const POOL = 'index';
/** The `celeriac` command of this repository. */
const CELERIAC = resolve(dirname(createRequire(import.meta.url).resolve('celeriac/package.json')), 'dist/main.js');

export interface Fleet {
  readonly autoscaler: Autoscaler;
  /** Worker processes now. */
  readonly size: number;
  /** Drains the workers and stops; resolves with how many were still there at the end, which are killed then. */
  stop(hurry: AbortSignal): Promise<number>;
}

/** The autoscaler of pools.yaml, starting `celeriac worker` processes on this machine. `say` is told what they and it have to say. */
export async function startFleet(
  urls: { readonly broker: string; readonly backend: string },
  say: (who: string, text: string) => void,
): Promise<Fleet> {
  const file = resolve(HERE, 'pools.yaml');
  const config = await readPools(await readFile(file, 'utf8'), file);
  const pools = config.pools.map((pool) => (pool.target.kind === 'local' ? { ...pool, target: { ...pool.target, cwd: HERE } } : pool));
  const transport = await createTransport({ url: urls.broker });
  const autoscaler = createAutoscaler({
    config: { ...config, pools },
    transport,
    logger: warningsTo((text) => say('autoscaler', text)),
    programs: { celeriac: [process.execPath, CELERIAC] },
    env: { ...process.env, CELERY_BROKER_URL: urls.broker, CELERY_RESULT_BACKEND: urls.backend },
    output: (_id, line) => say('worker', textOf(line)),
  });
  const stop = async (hurry: AbortSignal): Promise<number> => {
    const left = await autoscaler.stop({ hurry });
    for (const { id, pid } of autoscaler.replicas(POOL)) if (left.includes(id) && pid !== null) kill(pid);
    await transport.close();
    return left.length;
  };
  try {
    await autoscaler.start();
  } catch (error) {
    await stop(AbortSignal.abort());
    throw error;
  }
  return {
    autoscaler,
    get size() {
      return autoscaler.replicas(POOL).length;
    },
    stop,
  };
}

/** A worker's log is JSON, one entry a line. */
function textOf(line: string): string {
  try {
    const entry = JSON.parse(line) as { readonly msg?: unknown };
    return typeof entry.msg === 'string' ? entry.msg : line;
  } catch {
    return line;
  }
}

function warningsTo(say: (text: string) => void): Logger {
  const tell = (fields: Readonly<Record<string, unknown>>, text: string): void => {
    const { replica, err } = fields;
    const about = typeof replica === 'string' ? text.replace(/^replica/, replica) : text;
    say(err instanceof Error ? `${about}: ${err.message}` : about);
  };
  return { debug: () => {}, info: () => {}, warn: tell, error: tell };
}

/** Ends a process that was told to drain and did not, with those it started. */
function kill(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // it has ended meanwhile
  }
}
