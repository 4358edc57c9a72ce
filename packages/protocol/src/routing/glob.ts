/**
 * Whether text matches a shell pattern as Python's `fnmatch`: `*`, `?`, `[abc]`, `[!a-z]`. Time grows with the product of the lengths at most,
 * so patterns may come from strangers.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let starText = 0;
  while (at < text.length) {
    const step = pattern[from] === '*' ? undefined : matchOne(pattern, from, text[at] as string);
    if (step !== undefined) {
      from = step;
      at += 1;
    } else if (pattern[from] === '*') {
      star = from;
      starText = at;
      from += 1;
    } else if (star >= 0) {
      from = star + 1;
      starText += 1;
      at = starText;
    } else return false;
  }
  while (pattern[from] === '*') from += 1;
  return from === pattern.length;
}

/** Where the pattern goes on after one character has matched; undefined where it does not. */
function matchOne(pattern: string, from: number, character: string): number | undefined {
  const token = pattern[from];
  if (token === undefined) return undefined;
  if (token === '?') return from + 1;
  if (token !== '[') return token === character ? from + 1 : undefined;
  const negated = pattern[from + 1] === '!';
  const first = from + (negated ? 2 : 1);
  const end = pattern.indexOf(']', first + 1);
  if (end < 0) return character === '[' ? from + 1 : undefined;
  return inClass(pattern.slice(first, end), character) !== negated ? end + 1 : undefined;
}

function inClass(members: string, character: string): boolean {
  for (let at = 0; at < members.length; at += 1) {
    const low = members[at] as string;
    const high = members[at + 2];
    if (members[at + 1] === '-' && high !== undefined) {
      if (low <= character && character <= high) return true;
      at += 2;
    } else if (low === character) return true;
  }
  return false;
}
