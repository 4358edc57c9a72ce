import type { ChildHello, ChildLoadFailure } from './child-config.ts';
import { LOG_LEVELS, type LogLevel } from './log-line.ts';

/** A log line of a child; `seq` 0 belongs to no job. */
export interface ChildLogLine {
  readonly seq: number;
  readonly level: LogLevel;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A call a task makes. */
export interface ChildCallFrame {
  readonly callId: number;
  readonly seq: number;
  readonly callJson: string;
}

/** Reads the JSON frames of a child. Total: undefined where the text is not what it should be. */
export function readLog(text: string): ChildLogLine | undefined {
  const [seq, level, line, fields] = array(text);
  if (typeof seq !== 'number' || typeof level !== 'number' || typeof line !== 'string' || !isObject(fields)) return undefined;
  const name = LOG_LEVELS[level];
  return name === undefined ? undefined : { seq, level: name, text: line, fields };
}

export function readCall(text: string): ChildCallFrame | undefined {
  const [callId, seq, callJson] = array(text);
  if (typeof callId !== 'number' || typeof seq !== 'number' || typeof callJson !== 'string') return undefined;
  return { callId, seq, callJson };
}

export function readHello(text: string): ChildHello | undefined {
  const value = parse(text);
  if (!isObject(value)) return undefined;
  const { manifest, rssKib } = value;
  if (!isObject(manifest) || !Array.isArray(manifest['tasks']) || typeof rssKib !== 'number') return undefined;
  const tasks = manifest['tasks'] as readonly unknown[];
  const known = tasks.every((task) => isObject(task) && typeof task['name'] === 'string' && isObject(task['options']));
  return known ? (value as unknown as ChildHello) : undefined;
}

export function readLoadFailure(text: string): ChildLoadFailure | undefined {
  const value = parse(text);
  if (!isObject(value)) return undefined;
  const { code, message, data, stack } = value;
  if (typeof code !== 'string' || typeof message !== 'string' || typeof stack !== 'string' || !isObject(data)) return undefined;
  return { code, message, data, stack };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function array(text: string): readonly unknown[] {
  const value = parse(text);
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
