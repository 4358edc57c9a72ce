import { matchesGlob } from '../routing/glob.ts';
import type { ControlRequest } from './control-codec.ts';

/**
 * Whether a node must answer a command: its name is in `destination`, or matches `pattern`, or there is neither (kombu/pidbox.py `handle_message`).
 * Only glob patterns are honoured: a regular expression from the wire is never compiled.
 */
export function addressedTo(request: Pick<ControlRequest, 'destination' | 'pattern' | 'matcher'>, nodename: string): boolean {
  if (request.destination !== null && request.destination.length > 0) return request.destination.includes(nodename);
  if (request.pattern === null || request.pattern === '') return true;
  if (request.matcher !== null && request.matcher !== 'glob') return false;
  return request.pattern.length <= 1_024 && matchesGlob(request.pattern, nodename);
}
