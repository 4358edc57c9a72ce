/** A number from 0 up to but not including 1, another one at each call. */
export type Random = () => number;

/** A reproducible source of numbers: mulberry32 (Tommy Ettinger, public domain). The same seed gives the same numbers. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** An exponentially distributed number. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random());
}

/** A log-normally distributed number. @param sigma of its logarithm */
export function logNormal(random: Random, mean: number, sigma: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return mean * Math.exp(sigma * normal - (sigma * sigma) / 2);
}

/** A number of a Pareto distribution with this shape, cut off at `most` times its least value and scaled to the mean. */
export function boundedPareto(random: Random, mean: number, shape: number, most: number): number {
  const tail = 1 - most ** -shape;
  const least = (mean * tail * (shape - 1)) / (shape * (1 - most ** (1 - shape)));
  return least / (1 - random() * tail) ** (1 / shape);
}
