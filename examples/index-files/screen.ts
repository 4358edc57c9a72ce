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

function lineOf({ done, failed, total, perSecond, workers }: Progress): string {
  const filled = total === 0 ? 0 : Math.round((BAR * done) / total);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)}`;
  const failures = failed === 0 ? '' : `, ${failed} failed`;
  return `${bar} ${done.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} tasks${failures}, ${Math.round(perSecond).toLocaleString('en-US')}/s, ${workers} ${workers === 1 ? 'worker' : 'workers'}`;
}

export function openScreen(output: NodeJS.WriteStream): Screen {
  const live = output.isTTY === true;
  let bottom = '';
  let shownAt = 0;
  const erase = live ? '\r\u001b[2K' : '';
  return {
    say(text) {
      output.write(`${erase}${text}\n${live ? bottom : ''}`);
    },
    show(progress) {
      const line = lineOf(progress);
      if (live) {
        bottom = line.slice(0, (output.columns ?? 100) - 1);
        output.write(`${erase}${bottom}`);
      } else if (performance.now() - shownAt >= 1_000 && line !== bottom) {
        shownAt = performance.now();
        bottom = line;
        output.write(`${line}\n`);
      }
    },
    close() {
      if (live && bottom !== '') output.write('\n');
      bottom = '';
    },
  };
}
