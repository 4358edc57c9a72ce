import { stringifyJson } from '@celeriac/protocol';
import { type Command, Option } from 'commander';

export interface OutputOption {
  readonly output: 'text' | 'json';
}

/** Adds `--output text|json`. */
export function addOutputOption(command: Command): Command {
  return command.addOption(new Option('--output <format>', 'how to print').choices(['text', 'json']).default('text'));
}

/** Prints one value: as one line of JSON, or as the text given. */
export function print(format: OutputOption['output'], value: unknown, text: string): void {
  process.stdout.write(format === 'json' ? `${stringifyJson(value)}\n` : text === '' ? '' : `${text}\n`);
}
