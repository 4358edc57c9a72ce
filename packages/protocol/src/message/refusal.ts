import type { ErrorCode } from '../errors/codes.ts';
import type { Refusal } from './request.ts';

const CONTROL = /[\x00-\x1f\x7f]/;

/** A refusal, with the id and name where they are known. */
export function refuse(
  code: ErrorCode,
  reason: string,
  id: string | null = null,
  taskName: string | null = null,
): { kind: 'refused'; refusal: Refusal } {
  return { kind: 'refused', refusal: { code, reason, id, taskName } };
}

/** Text that may serve as an id or a name: 1 to `maxCharacters` characters, no control characters. */
export function isUsableName(value: unknown, maxCharacters: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxCharacters && !CONTROL.test(value);
}
