import { createHash } from 'node:crypto';
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { basename, dirname, relative } from 'node:path';
import { moduleFiles } from './module-files.ts';

/** Editors write in several steps; what comes within this time is one change. */
const SETTLE_MS = 100;

/** A watch that can be ended. */
export interface ModuleWatch {
  close(): void;
}

/**
 * Calls back when the content of a task module, or of a file it imports (see {@link moduleFiles}), has changed, with the paths relative to
 * `cwd`. Folders are watched rather than files, because editors put new files in the place of old ones.
 */
export function watchModules(modules: readonly string[], cwd: string, onChange: (files: readonly string[]) => void): ModuleWatch {
  const folders = new Map<string, FSWatcher>();
  let contents = contentsOf(moduleFiles(modules, cwd));
  let timer: NodeJS.Timeout | undefined;

  const touched = (folder: string, name: string | null): void => {
    const concerns = name === null || [...contents.keys()].some((file) => dirname(file) === folder && basename(file) === name);
    if (!concerns) return;
    clearTimeout(timer);
    timer = setTimeout(look, SETTLE_MS);
  };
  const look = (): void => {
    const changed = [...contents].filter(([file, content]) => contentOf(file) !== content).map(([file]) => file);
    if (changed.length === 0) return;
    // A module that is away for a moment is still one of them.
    const away = changed.filter((file) => contentOf(file) === null);
    contents = contentsOf(new Set([...moduleFiles(modules, cwd), ...away]));
    arm();
    onChange(changed.map((file) => relative(cwd, file)));
  };
  const arm = (): void => {
    const wanted = new Set(Array.from(contents.keys(), (file) => dirname(file)));
    for (const [folder, watcher] of folders) {
      if (wanted.has(folder)) continue;
      watcher.close();
      folders.delete(folder);
    }
    for (const folder of wanted) {
      if (folders.has(folder)) continue;
      try {
        const watcher = watch(folder, { persistent: false }, (_event, name) => touched(folder, name));
        watcher.on('error', () => folders.delete(folder));
        folders.set(folder, watcher);
      } catch {
        // the folder is not there (yet): what imports from it will change when it is
      }
    }
  };
  arm();
  return {
    close() {
      clearTimeout(timer);
      for (const watcher of folders.values()) watcher.close();
      folders.clear();
    },
  };
}

/** Each file's content as a hash; null for one that cannot be read. */
function contentsOf(files: ReadonlySet<string>): ReadonlyMap<string, string | null> {
  return new Map(Array.from(files, (file) => [file, contentOf(file)]));
}

function contentOf(file: string): string | null {
  try {
    return createHash('sha1').update(readFileSync(file)).digest('base64');
  } catch {
    return null;
  }
}
