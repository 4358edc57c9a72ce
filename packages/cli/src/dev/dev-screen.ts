import { styleText } from 'node:util';

/** The lines of `celeriac dev`: who says it, and what. */
export interface DevScreen {
  /** A line of the head: a label and what it stands for. */
  head(label: string, text: string): void;
  /** Something happened now. */
  say(who: string, text: string, level?: 'info' | 'warn' | 'error'): void;
}

const WIDTH = 11;

/** Writes to standard output; colours on a terminal only, and not with NO_COLOR. */
export function openDevScreen(output: NodeJS.WriteStream): DevScreen {
  const styled = (style: 'dim' | 'red' | 'yellow' | 'bold', text: string): string => styleText(style, text, { stream: output });
  return {
    head: (label, text) => void output.write(`${styled('bold', label.padEnd(WIDTH))} ${text}\n`),
    say(who, text, level = 'info') {
      const time = new Date().toTimeString().slice(0, 8);
      const painted = level === 'info' ? text : styled(level === 'error' ? 'red' : 'yellow', text);
      output.write(`${styled('dim', time)} ${who.padEnd(WIDTH)} ${painted}\n`);
    },
  };
}
