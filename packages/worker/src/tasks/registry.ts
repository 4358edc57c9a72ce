import { CeleriacError } from '@celeriac/protocol';
import type { TaskManifest } from './manifest.ts';
import { isTask, type Task } from './task.ts';

interface Entry {
  readonly task: Task;
  readonly origin: string;
}

/** The tasks of one process by name. */
export class TaskRegistry {
  readonly #entries: Map<string, Entry> = new Map();

  /** Adds a task; `origin` says where it comes from, for people. The same object twice is one task. Throws CELERIAC_E_DUPLICATE_TASK. */
  add(task: Task, origin: string): void {
    const known = this.#entries.get(task.name);
    if (known === undefined) this.#entries.set(task.name, { task, origin });
    else if (known.task !== task)
      throw new CeleriacError(
        'CELERIAC_E_DUPLICATE_TASK',
        `two tasks are named ${JSON.stringify(task.name)}: ${known.origin} and ${origin}; rename one of them`,
        { data: { task: task.name, origins: [known.origin, origin] } },
      );
  }

  /** Adds every task a module exports, under its own name; returns how many it exports. Throws CELERIAC_E_DUPLICATE_TASK. */
  addModule(exports: Readonly<Record<string, unknown>>, file: string): number {
    let count = 0;
    for (const [name, value] of Object.entries(exports)) {
      if (!isTask(value)) continue;
      this.add(value, `export ${name} of ${file}`);
      count += 1;
    }
    return count;
  }

  get(name: string): Task | undefined {
    return this.#entries.get(name)?.task;
  }

  /** What the parent needs to know, in order of registration. */
  manifest(): TaskManifest {
    return { tasks: Array.from(this.#entries.values(), ({ task }) => ({ name: task.name, options: task.options })) };
  }
}
