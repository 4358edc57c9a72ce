const RUN_LENGTH = 5;
const FUNCTIONS = 16;
const MAX_WORDS = 20_000;

/** MinHash over runs of five words (Broder 1997): equal minima are an estimate of the share of common runs. */
export function minHash(text: string): number[] {
  const words = (text.match(/\w+/g) ?? []).slice(0, MAX_WORDS).map(fnv);
  if (words.length < RUN_LENGTH) return [];
  const minima = new Array<number>(FUNCTIONS).fill(0xffffffff);
  for (let start = 0; start + RUN_LENGTH <= words.length; start += 1) {
    let run = 0;
    for (let offset = 0; offset < RUN_LENGTH; offset += 1) run = (Math.imul(run, 31) + (words[start + offset] as number)) | 0;
    for (let index = 0; index < FUNCTIONS; index += 1) {
      const hash = (Math.imul(run ^ (run >>> 15), 0x9e3779b1 + 2 * index * 0x85ebca6b) ^ (run >>> 13)) >>> 0;
      if (hash < (minima[index] as number)) minima[index] = hash;
    }
  }
  return minima;
}

function fnv(word: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < word.length; index += 1) hash = Math.imul(hash ^ word.charCodeAt(index), 0x01000193);
  return hash;
}
