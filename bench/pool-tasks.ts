import { contract } from '@celeriac/protocol';
import { defineTask } from '../packages/worker/src/tasks/define-task.ts';

export const add = defineTask(contract<(x: number, y: number) => number>('tasks.add', { params: ['x', 'y'] }), (_ctx, x, y) => x + y);
