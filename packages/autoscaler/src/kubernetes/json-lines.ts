/** Cuts a stream of bytes into lines. */
export interface LineSplitter {
  /** The lines that are complete now. Throws when one grows beyond the limit. */
  push(chunk: Buffer): readonly string[];
}

const LINE_FEED = 0x0a;

/** Makes a splitter; bytes of a line that has not ended are kept as they came. */
export function createLineSplitter(mostBytes: number): LineSplitter {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  return {
    push(chunk) {
      const lines: string[] = [];
      let from = 0;
      for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
        const rest = chunk.subarray(from, at);
        lines.push((begun.length === 0 ? rest : Buffer.concat([...begun, rest], begunBytes + rest.length)).toString());
        begun = [];
        begunBytes = 0;
        from = at + 1;
      }
      if (from < chunk.length) {
        begun.push(chunk.subarray(from));
        begunBytes += chunk.length - from;
      }
      if (begunBytes > mostBytes) throw new Error(`a line is longer than ${mostBytes} bytes`);
      return lines;
    },
  };
}
