import { readTaskManifest, type TaskManifest } from '@celeriac/worker';
import { watchModules } from '../watch/watch-modules.ts';
import type { DevScreen } from './dev-screen.ts';
import { createTroubles } from './troubles.ts';
import { readWorkerLine } from './worker-line.ts';

export interface EditsOptions {
  readonly modules: readonly string[];
  readonly tasks: TaskManifest['tasks'];
  readonly screen: DevScreen;
  /** Changed modules can be imported. */
  readonly onMended: () => void;
}

/** Tells of edits what the workers, of which there may be none, do not tell; and says each thing once. */
export interface Edits {
  readonly taskNames: readonly string[];
  /** Shows a line of a worker's output, unless it says what has been said. */
  workerLine(id: string, line: string): void;
  close(): void;
}

/** Workers watch the task modules themselves. Here they are read as well, so that a broken edit is known while there is no worker. */
export function followEdits({ modules, tasks, screen, onMended }: EditsOptions): Edits {
  let taskNames = namesOf(tasks);
  const troubles = createTroubles();
  let edits = 0;
  const sayTrouble = (text: string, teller: 'here' | 'worker'): void => {
    const trouble = text.replace(/; the old code stays$/, '');
    if (troubles.isNews(trouble, teller)) screen.say('edit', `${trouble}\n${' '.repeat(21)}workers keep the code they have`, 'error');
  };
  const watch = watchModules(modules, process.cwd(), (files) => {
    edits += 1;
    const mine = edits;
    troubles.edited();
    screen.say('edit', `${files.join(', ')} changed`);
    readTaskManifest({ modules, env: process.env }).then(
      (manifest) => {
        if (mine !== edits) return;
        const names = namesOf(manifest.tasks);
        if (names.join() !== taskNames.join()) screen.say('edit', `tasks now: ${names.join(', ')}`);
        taskNames = names;
        onMended();
      },
      (error: unknown) => {
        if (mine === edits) sayTrouble(error instanceof Error ? error.message : String(error), 'here');
      },
    );
  });
  return {
    get taskNames() {
      return taskNames;
    },
    workerLine(id, line) {
      const shown = readWorkerLine(line);
      if (shown === undefined || shown.reload === 'begun') return;
      if (shown.reload === 'failed') sayTrouble(shown.text, 'worker');
      else screen.say(id, shown.text, shown.level);
    },
    close: () => watch.close(),
  };
}

function namesOf(tasks: TaskManifest['tasks']): readonly string[] {
  return tasks.map(({ name }) => name).sort();
}
