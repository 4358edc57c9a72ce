import { defineTask } from './define-task.ts';
import type { Task } from './task.ts';

/** `celery.accumulate`: its arguments as a list, or the one that the keyword `index` names. */
const accumulate = defineTask('celery.accumulate', (ctx, ...args: unknown[]) => {
  const { index } = ctx.kwargs as { readonly index?: unknown };
  if (index === undefined || index === null) return args;
  if (typeof index !== 'number' || !Number.isInteger(index)) throw new TypeError('list indices must be integers or slices');
  const found = index < 0 ? index + args.length : index;
  if (found < 0 || found >= args.length) throw new RangeError('list index out of range');
  return args[found];
});

/**
 * Tasks that every Celery app has and every worker of ours registers too, unless a module brings one of that name
 * (celery/app/builtins.py). They may be called at any time: `helm test` does.
 */
export const builtInTasks: readonly Task[] = [accumulate];

/** Whether a name is one that Celery keeps for itself; `inspect registered` leaves those out. */
export function isBuiltIn(name: string): boolean {
  return name.startsWith('celery.');
}
