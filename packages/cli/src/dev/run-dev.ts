import { availableParallelism } from 'node:os';
import { type Autoscaler, createAutoscaler, serveAutoscaler } from '@celeriac/autoscaler';
import { createTransport, type Logger, type Transport } from '@celeriac/brokers';
import { isCeleriacError } from '@celeriac/protocol';
import { readTaskManifest } from '@celeriac/worker';
import { withFiles } from '../connection-options.ts';
import { EXIT } from '../exit-codes.ts';
import { stopSignals } from '../stop-signals.ts';
import { version } from '../version.ts';
import { DEV_POOL, devPools } from './dev-pools.ts';
import { type DevScreen, openDevScreen } from './dev-screen.ts';
import { type EmbeddedOptions, refuseProduction, startEmbedded } from './embedded.ts';
import { followEdits } from './follow-edits.ts';

/** What `celeriac dev` is told. */
export interface DevOptions extends EmbeddedOptions {
  readonly app: readonly string[];
  readonly queues: readonly string[];
  readonly concurrency: number;
  readonly max?: number;
  /** Seconds. */
  readonly idle: number;
  readonly broker?: string;
  readonly resultBackend?: string;
  /** Port on 127.0.0.1, or null for none. `asked` tells the user's own from the default, which may be taken. */
  readonly http: { readonly port: number; readonly asked: boolean } | null;
}

interface Urls {
  readonly broker: string;
  readonly backend: string | undefined;
}

/** What is open, closed in reverse order. */
type Closing = () => Promise<unknown>;

/**
 * Runs the embedded broker (or uses a real one), an autoscaler and the workers it starts, until SIGINT, SIGTERM or SIGHUP; then everything
 * drains. Sets the exit code. Throws CELERIAC_E_CONFIG with NODE_ENV=production or for a port that is taken, CELERIAC_E_TASK_MODULE for modules that
 * cannot be imported.
 */
export async function runDev(options: DevOptions): Promise<void> {
  refuseProduction();
  const signals = stopSignals(['SIGINT', 'SIGTERM', 'SIGHUP']);
  const screen = openDevScreen(process.stdout);
  const closing: Closing[] = [];
  try {
    const [manifest, opened] = await Promise.allSettled([
      readTaskManifest({ modules: options.app, env: process.env }),
      openBroker(options, screen, closing),
    ]);
    if (manifest.status === 'rejected') throw manifest.reason;
    if (opened.status === 'rejected') throw opened.reason;
    const [{ tasks }, urls] = [manifest.value, opened.value];
    const logger = loggerTo(screen);
    const transport = await createTransport({ url: urls.broker, transportOptions: withFiles(), logger });
    closing.push(() => transport.close());
    const max = options.max ?? Math.max(2, Math.ceil(availableParallelism() / options.concurrency));
    const pools = devPools({
      modules: options.app,
      queues: options.queues,
      concurrency: options.concurrency,
      max,
      idleMs: options.idle * 1_000,
    });
    const edits = followEdits({ modules: options.app, tasks, screen, onMended: () => autoscaler.forgive() });
    closing.push(() => Promise.resolve(edits.close()));
    const autoscaler = createAutoscaler({
      config: pools,
      transport,
      logger,
      programs: { celeriac: [process.execPath, ...process.execArgv, process.argv[1] ?? ''] },
      env: { ...process.env, CELERY_BROKER_URL: urls.broker, CELERY_RESULT_BACKEND: urls.backend },
      output: (id, line) => edits.workerLine(id, line),
    });
    sayDecisions(autoscaler, screen);
    const http = await serve(options, autoscaler, transport, logger);
    closing.push(async () => http?.close());
    greet(screen, options, urls, edits.taskNames, { max, http: http?.port });
    try {
      await autoscaler.start();
      await signals.first;
    } finally {
      await stop(autoscaler, signals.hurry, screen);
    }
  } finally {
    for (const close of closing.reverse()) await close().catch((error: unknown) => screen.say('dev', String(error), 'warn'));
    signals.off();
  }
}

async function openBroker(options: DevOptions, screen: DevScreen, closing: Closing[]): Promise<Urls> {
  if (options.broker !== undefined) return { broker: options.broker, backend: options.resultBackend };
  const broker = await startEmbedded(options, (text) => screen.say('dev', text, 'warn'));
  closing.push(() => broker.stop());
  return { broker: broker.url, backend: options.resultBackend ?? new URL('/1', broker.url).href };
}

async function serve(options: DevOptions, autoscaler: Autoscaler, transport: Transport, logger: Logger) {
  if (options.http === null) return undefined;
  const { port, asked } = options.http;
  try {
    return await serveAutoscaler({ autoscaler, host: '127.0.0.1', port, identity: { version, broker: transport.traits.name }, logger });
  } catch (error) {
    // The default may be taken by another one; nothing else needs it.
    if (asked || !isCeleriacError(error, 'CELERIAC_E_CONFIG')) throw error;
    return undefined;
  }
}

function greet(
  screen: DevScreen,
  options: DevOptions,
  urls: Urls,
  tasks: readonly string[],
  { max, http }: { readonly max: number; readonly http: number | undefined },
): void {
  const [broker, backend] = [withoutPassword(urls.broker), urls.backend === undefined ? undefined : withoutPassword(urls.backend)];
  const kept = options.db === undefined ? 'nothing is kept over a restart' : `kept in ${options.db}`;
  screen.head('broker', `${broker} (${options.broker === undefined ? `embedded; ${kept}` : 'yours'})`);
  screen.head('results', backend ?? 'not stored; give --result-backend URL');
  screen.head('tasks', tasks.join(', '));
  screen.head('workers', `0 to ${max}, ${options.concurrency} tasks at once in each; queues ${options.queues.join(', ')}`);
  if (http !== undefined) screen.head('why', `celeriac explain ${DEV_POOL}${http === 9810 ? '' : ` --server http://127.0.0.1:${http}`}`);
  const results = backend === undefined ? '' : ` --result-backend ${backend} --wait`;
  screen.head('call', `celeriac call ${tasks[0]} --args '[]' -b ${broker}${results}`);
  const app = backend === undefined ? `broker='${broker}'` : `broker='${broker}', backend='${backend}'`;
  const send = `Celery(${app}).send_task('${tasks[0]}', [])${backend === undefined ? '' : '.get(timeout=10)'}`;
  screen.head('Python', `pip install "celery[redis]" && python -c "from celery import Celery; print(${send})"`);
  screen.head('stop', 'Ctrl-C');
}

function withoutPassword(url: string): string {
  return url.replaceAll(/(:\/\/[^:/@]*:)[^@/]*@/g, '$1***@');
}

/** One line whenever another number of workers is wanted. */
function sayDecisions(autoscaler: Autoscaler, screen: DevScreen): void {
  let wanted = 0;
  autoscaler.onTick(({ decision }) => {
    const { from, to, kind, text } = decision;
    if (kind === 'scale' && to !== wanted) screen.say('autoscaler', `${from} -> ${to} ${to === 1 ? 'worker' : 'workers'}: ${text}`);
    wanted = to;
  });
}

/** Drains the workers; those that are there after all that are killed. */
async function stop(autoscaler: Autoscaler, hurry: AbortSignal, screen: DevScreen): Promise<void> {
  const running = autoscaler.replicas(DEV_POOL).length;
  if (running > 0) screen.say('dev', 'stopping: workers finish what they have begun; Ctrl-C once more ends them now');
  const left = await autoscaler.stop({ hurry });
  for (const { id, pid } of autoscaler.replicas(DEV_POOL)) {
    if (pid === null || !left.includes(id)) continue;
    screen.say('dev', `${id} does not end: killed`, 'error');
    killGroup(pid);
  }
  if (left.length > 0) process.exitCode = EXIT.failure;
  else if (hurry.aborted && running > 0) process.exitCode = EXIT.interrupted;
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // it has ended meanwhile
  }
}

/** The autoscaler's log: what went wrong. Its decisions are shown by themselves. */
function loggerTo(screen: DevScreen): Logger {
  const say = (level: 'warn' | 'error') => (fields: Readonly<Record<string, unknown>>, text: string) => {
    const { err, replica } = fields;
    // The worker's own last words, which follow the colon, have been shown.
    const said = typeof replica === 'string' ? text.replace(/^replica (exited with code \d+): .*$/s, '$1').replace(/^replica /, '') : text;
    const who = typeof replica === 'string' ? replica : 'autoscaler';
    screen.say(who, `${said}${err instanceof Error ? `: ${err.message}` : ''}`, level);
  };
  return { debug: () => {}, info: () => {}, warn: say('warn'), error: say('error') };
}
