import { defineTask } from '@celeriac/worker';

export const add = defineTask('tasks.add', (_ctx, x: number, y: number) => x + y);
/** The monotonic clock in milliseconds, which is one for all processes of a machine. */
export const now = defineTask('tasks.now', () => Number(process.hrtime.bigint()) / 1e6);
