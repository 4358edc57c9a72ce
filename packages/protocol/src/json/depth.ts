/**
 * Whether a JSON text opens more than `limit` arrays and objects inside each other. Strings are skipped; nothing is allocated.
 * JSON.parse itself takes a million levels, which then break whatever walks the value.
 */
export function exceedsDepth(text: string, limit: number): boolean {
  // Each level takes two brackets: a text this short is either no JSON or not too deep.
  if (text.length <= 2 * limit) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 0x22) {
      at = endOfString(text, at + 1);
      if (at < 0) return false;
    } else if (unit === 0x5b || unit === 0x7b) {
      depth += 1;
      if (depth > limit) return true;
    } else if (unit === 0x5d || unit === 0x7d) depth -= 1;
  }
  return false;
}

/** Index of the quote that ends the string whose content begins at `from`; -1 where none does. */
function endOfString(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at >= 0) {
    let backslashes = 0;
    while (at - 1 - backslashes >= from && text.charCodeAt(at - 1 - backslashes) === 0x5c) backslashes += 1;
    if (backslashes % 2 === 0) return at;
    at = text.indexOf('"', at + 1);
  }
  return -1;
}
