import type { Logger } from '@celeriac/brokers';
import type { Worker } from '@celeriac/worker';
import { type ModuleWatch, watchModules } from './watch-modules.ts';

/** What log lines about a reload carry as their field `reload`. */
export type ReloadStage = 'begun' | 'loaded' | 'failed';

/**
 * Reloads a worker, once it has started, when its task modules have changed. One that cannot be imported is reported, with file and line,
 * and the old children stay. What runs ends in the child it began in.
 */
export function reloadOnChange(worker: Worker, started: Promise<void>, modules: readonly string[], logger: Logger): ModuleWatch {
  let newest = 0;
  const note = (reload: ReloadStage): { readonly reload: ReloadStage } => ({ reload });
  return watchModules(modules, process.cwd(), (files) => {
    newest += 1;
    const mine = newest;
    logger.info(note('begun'), `${files.join(', ')} changed: loading it in new children`);
    const loaded = (): void => {
      if (mine === newest) logger.info(note('loaded'), 'what begins now runs the new code');
    };
    started
      .then(() => worker.reload(loaded))
      .catch((error: unknown) => {
        if (mine === newest) logger.error(note('failed'), `${error instanceof Error ? error.message : String(error)}; the old code stays`);
      });
  });
}
