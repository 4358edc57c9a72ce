// Names and types of the tasks in tasks.ts: all that a producer has to know of them.

import { contract } from '@celeriac/protocol';

export const add = contract<(x: number, y: number) => number>('tasks.add', { params: ['x', 'y'] });

export const echo = contract<(value: unknown) => unknown>('tasks.echo', { params: ['value'] });

export const sleep = contract<(seconds: number) => number>('tasks.sleep', { params: ['seconds'] });

export const fail = contract<(message: string) => never>('tasks.fail', { params: ['message'] });

export const flaky = contract<(times: number) => number>('tasks.flaky', { params: ['times'] });

export const spin = contract<(seconds: number) => number>('tasks.spin', { params: ['seconds'] });

export const die = contract<() => void>('tasks.die', { params: [] });

export const append = contract<(path: string, text: string) => null>('tasks.append', { params: ['path', 'text'] });
