/** A Redis glob (`*`, `?`, `[a-z]`, `\x`) as a predicate; linear in pattern times text, whatever the pattern. */
export function compileGlob(pattern: string): (text: string) => boolean {
  if (!/[*?[\\]/.test(pattern)) return (text) => text === pattern;
  const tokens = tokenize(pattern);
  return (text) => matches(tokens, text);
}

type Token = '*' | ((char: string) => boolean);

function tokenize(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at]!;
    if (char === '*') {
      if (tokens.at(-1) !== '*') tokens.push('*');
    } else if (char === '?') tokens.push(() => true);
    else if (char === '[') {
      const read = readClass(pattern, at + 1);
      tokens.push(read.test);
      at = read.end;
    } else {
      const literal = char === '\\' && at + 1 < pattern.length ? pattern[++at]! : char;
      tokens.push((other) => other === literal);
    }
  }
  return tokens;
}

/** A class from behind its `[` to its `]`, or to the end of the pattern when it is not closed. */
function readClass(pattern: string, from: number): { test: (char: string) => boolean; end: number } {
  let at = from;
  const negated = pattern[at] === '^';
  if (negated) at += 1;
  const ranges: [string, string][] = [];
  for (; at < pattern.length && pattern[at] !== ']'; at += 1) {
    if (pattern[at] === '\\' && at + 1 < pattern.length) at += 1;
    const low = pattern[at]!;
    if (pattern[at + 1] === '-' && at + 2 < pattern.length) {
      const high = pattern[at + 2]!;
      ranges.push(low <= high ? [low, high] : [high, low]);
      at += 2;
    } else ranges.push([low, low]);
  }
  const inside = (char: string): boolean => ranges.some(([low, high]) => char >= low && char <= high);
  return { test: negated ? (char) => !inside(char) : inside, end: at };
}

function matches(tokens: readonly Token[], text: string): boolean {
  let token = 0;
  let at = 0;
  let starToken = -1;
  let starAt = 0;
  while (at < text.length) {
    const current = tokens[token];
    if (current === '*') {
      starToken = token++;
      starAt = at;
    } else if (current?.(text[at]!)) {
      token += 1;
      at += 1;
    } else if (starToken >= 0) {
      token = starToken + 1;
      at = ++starAt;
    } else return false;
  }
  while (tokens[token] === '*') token += 1;
  return token === tokens.length;
}
