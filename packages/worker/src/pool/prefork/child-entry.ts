import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isCeleriacError } from '@celeriac/protocol';
import { loadTaskModules } from '../../tasks/load-modules.ts';
import type { TaskRegistry } from '../../tasks/registry.ts';
import type { ChildConfig, ChildHello, ChildLoadFailure } from './child-config.ts';
import { ChildLog, patchConsole } from './child-console.ts';
import { ChildOutbox } from './child-outbox.ts';
import { ChildRuntime } from './child-runtime.ts';
import { tracebackOf } from './failure.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { FRAME, parentFrameLimitBytes } from './frame-types.ts';

/** The socket pair of parent and child. */
const LINK_FD = 3;

/** Without its parent a child ends at once, and takes with it what it started. */
function endWithParent(): never {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    // not the leader of a group
  }
  process.kill(process.pid, 'SIGKILL');
  process.exit(1);
}

function resolveFrom(cwd: string): (specifier: string) => string {
  const base = pathToFileURL(join(cwd, 'package.json')).href;
  return (specifier) => {
    try {
      return import.meta.resolve(specifier, base);
    } catch {
      return pathToFileURL(createRequire(base).resolve(specifier)).href;
    }
  };
}

async function load(config: ChildConfig, outbox: ChildOutbox): Promise<TaskRegistry> {
  try {
    return await loadTaskModules(config.modules, config.cwd, resolveFrom(config.cwd));
  } catch (error) {
    const known = isCeleriacError(error);
    const failed: ChildLoadFailure = {
      code: known ? error.code : 'CELERIAC_E_TASK_MODULE',
      message: known ? error.message.slice(error.code.length + 2) : String(error),
      data: known ? error.data : {},
      stack: tracebackOf(known ? error.cause : error),
    };
    outbox.sendText(FRAME.FAILED_TO_LOAD, JSON.stringify(failed));
    process.exit(1);
  }
}

async function main(): Promise<void> {
  const config = JSON.parse(process.argv[2] as string) as ChildConfig;
  process.argv.length = 2;
  const outbox = new ChildOutbox(LINK_FD, endWithParent);
  const log = new ChildLog(outbox);
  let runtime: ChildRuntime | undefined;
  patchConsole(log, () => runtime?.currentSeq() ?? 0);

  const link = new Socket({ fd: LINK_FD, readable: true, writable: false });
  const decoder = new FrameDecoder(parentFrameLimitBytes, (type, bytes, start, end) => {
    if (type === FRAME.EXIT) process.exit(0);
    runtime?.receive(type, bytes, start, end);
    return undefined;
  });
  link.on('error', endWithParent);
  link.on('close', endWithParent);
  link.on('end', endWithParent);
  link.on('data', (chunk: Buffer) => {
    if (decoder.push(chunk) !== undefined) endWithParent();
  });

  process.on('unhandledRejection', (reason) => {
    if (runtime?.strayError(reason) !== true) log.write(0, 'error', `unhandled rejection outside of a task: ${tracebackOf(reason)}`, {});
  });
  process.on('uncaughtException', (error) => {
    if (runtime?.strayError(error) === true) return;
    log.write(0, 'error', `uncaught exception outside of a task: ${tracebackOf(error)}`, {});
    if (runtime?.busy !== true) process.exit(1);
  });

  const registry = await load(config, outbox);
  runtime = new ChildRuntime(config, outbox, log, registry);
  const hello: ChildHello = { manifest: registry.manifest(), rssKib: Math.round(process.memoryUsage.rss() / 1_024) };
  outbox.sendText(FRAME.READY, JSON.stringify(hello));
}

await main();
