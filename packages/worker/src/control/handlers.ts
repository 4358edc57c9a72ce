import type { ControlHandler } from '@celeriac/brokers';
import { commandHandlers } from './command.ts';
import { inspectHandlers } from './inspect.ts';
import type { ControlledNode } from './node.ts';

/** Every remote control command a worker answers; what is not here is answered as Celery answers an unknown one. */
export function controlHandlers(node: ControlledNode): Readonly<Record<string, ControlHandler>> {
  return { ...inspectHandlers(node), ...commandHandlers(node) };
}
