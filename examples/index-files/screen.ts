/** What the demo shows: lines that stay, and on a terminal one line at the bottom that changes. */
export interface Screen {
  /** A line that stays. */
  say(text: string): void;
  /** The line that changes; on anything but a terminal it is printed at most once a second. */
  show(progress: Progress): void;
  close(): void;
}

export interface Progress {
  readonly done: number;
  readonly failed: number;
  readonly total: number;
  readonly perSecond: number;
  readonly workers: number;
}

const BAR = 28;
const REDRAW_MS = 80;
const PRINT_MS = 1_000;

function lineOf({ done, failed, total, perSecond, workers }: Progress): string {
  const filled = total === 0 ? 0 : Math.floor((BAR * done) / total);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}`;
  const number = (value: number): string => value.toLocaleString('en-US');
  const rate = done < total ? `, ${number(Math.round(perSecond))}/s` : '';
  const failures = failed === 0 ? '' : `, ${failed} failed`;
  return `${bar} ${number(done)} of ${number(total)} tasks${failures}${rate}, ${workers} ${workers === 1 ? 'worker' : 'workers'}`;
}

export function openScreen(output: NodeJS.WriteStream): Screen {
  return output.isTTY === true ? openTerminal(output) : openLog(output);
}

function openTerminal(output: NodeJS.WriteStream): Screen {
  let latest: Progress | undefined;
  let drawn = '';
  let timer: NodeJS.Timeout | undefined;
  // Some terminals do not say how wide they are.
  const width = (): number => output.columns || 80;
  // A terminal that has become narrower has broken the line into several.
  const erase = (): string => {
    const rows = Math.max(1, Math.ceil(drawn.length / width()));
    return `${rows > 1 ? `\u001b[${rows - 1}A` : ''}\r\u001b[J`;
  };
  const draw = (above = ''): void => {
    clearTimeout(timer);
    timer = undefined;
    const before = erase();
    drawn = latest === undefined ? '' : lineOf(latest).slice(0, width() - 1);
    output.write(`${before}${above}${drawn}`);
  };
  const redraw = (): void => draw();
  output.on('resize', redraw);
  return {
    say: (text) => draw(`${text}\n`),
    show(progress) {
      latest = progress;
      timer ??= setTimeout(redraw, REDRAW_MS);
    },
    close() {
      draw();
      output.off('resize', redraw);
      if (drawn !== '') output.write('\n');
      latest = undefined;
    },
  };
}

function openLog(output: NodeJS.WriteStream): Screen {
  let shown: Progress | undefined;
  let shownAtMs = Number.NEGATIVE_INFINITY;
  return {
    say: (text) => void output.write(`${text}\n`),
    show(progress) {
      const same = shown !== undefined && shown.done === progress.done && shown.total === progress.total;
      const finished = progress.done === progress.total && progress.total > 0;
      if (same || (!finished && performance.now() - shownAtMs < PRINT_MS)) return;
      shown = progress;
      shownAtMs = performance.now();
      output.write(`${lineOf(progress)}\n`);
    },
    close() {},
  };
}
