/**
 * An amount as Kubernetes writes it: a number, or text such as `500m`, `2`, `4Gi`, `1.5G`, `1e3`.
 * Units: `n u m` (10^-9, -6, -3), none, `k M G T P E` (powers of 1,000), `Ki Mi Gi Ti Pi Ei` (powers of 1,024), `e3` (a power of ten).
 */
export type Quantity = string | number;

/** What is measured: processors in cores, memory in bytes, or whole devices. */
export type QuantityKind = 'cpu' | 'memory' | 'gpu';

/** An exact amount, or what is wrong with the text and what to write instead. */
export type ReadQuantity = { readonly kind: 'amount'; readonly nano: bigint } | { readonly kind: 'faulty'; readonly text: string };

/** Amounts are counted in billionths of a core, a byte or a device: the finest step a quantity has. */
export const NANO: bigint = 1_000_000_000n;

const MOST_CHARACTERS = 64;
/** Kubernetes caps quantities here. */
const MOST: bigint = (2n ** 63n - 1n) * NANO;
const GRAMMAR = /^(?<sign>[+-]?)(?<whole>\d*)(?:\.(?<fraction>\d*))?(?:[eE](?<exponent>[+-]?\d{1,3})|(?<unit>[KMGTPE]i|[numkMGTPE]))?$/;
const DECIMAL: Readonly<Record<string, bigint>> = { n: -9n, u: -6n, m: -3n, k: 3n, M: 6n, G: 9n, T: 12n, P: 15n, E: 18n };
const BINARY = 'KMGTPE';

/**
 * Reads a quantity exactly (apimachinery pkg/api/resource `ParseQuantity`): what is finer than a billionth is rounded up as there; a JavaScript
 * number, which is inexact by nature, to the nearest billionth. Total. Refuses what is negative, too large, or less than one byte of memory.
 */
export function readQuantity(written: unknown, kind: QuantityKind): ReadQuantity {
  const text = typeof written === 'number' ? decimalText(written) : written;
  if (typeof text !== 'string' || text.length > MOST_CHARACTERS) return faulty(`${shown(written)} is not a quantity; ${advice(kind)}`);
  const parts = GRAMMAR.exec(text)?.groups;
  const [whole, fraction] = [parts?.['whole'] ?? '', parts?.['fraction'] ?? ''];
  if (parts === undefined || whole + fraction === '') return faulty(`${shown(written)} is not a quantity; ${hint(text) ?? advice(kind)}`);
  const { unit = '', exponent = '0', sign } = parts;
  const isBinary = unit.length === 2;
  const power = (isBinary ? 0n : (DECIMAL[unit] ?? 0n)) + BigInt(exponent) + 9n - BigInt(fraction.length);
  const digits = BigInt(whole + fraction) * (isBinary ? 1024n ** BigInt(BINARY.indexOf(unit.charAt(0)) + 1) : 1n);
  const nano = power >= 0n ? digits * 10n ** power : divideUp(digits, 10n ** -power);
  if (sign === '-' && nano !== 0n) return faulty(`${shown(written)} is negative`);
  if (nano > MOST) return faulty(`${shown(written)} is more than 2^63 - 1`);
  if (kind === 'memory' && nano > 0n && nano < NANO)
    return faulty(`${shown(written)} is less than one byte${unit === 'm' ? `: m is a thousandth; write ${whole}M or ${whole}Mi` : ''}`);
  return { kind: 'amount', nano };
}

/** An amount for people, rounded down: whole cores or millicores; bytes in the largest binary unit they fill; devices. */
export function quantityText(nano: bigint, kind: QuantityKind): string {
  if (kind === 'memory') return bytesText(nano / NANO);
  if (nano % NANO === 0n) return String(nano / NANO);
  if (kind === 'cpu') return nano < 1_000_000n ? `${nano}n` : `${nano / 1_000_000n}m`;
  return thousandthsText(nano / 1_000_000n);
}

function bytesText(bytes: bigint): string {
  for (let power = BINARY.length; power > 0; power -= 1) {
    const unit = 1024n ** BigInt(power);
    if (bytes >= unit) return `${thousandthsText((bytes * 1000n) / unit)}${BINARY.charAt(power - 1)}i`;
  }
  return String(bytes);
}

function thousandthsText(thousandths: bigint): string {
  const fraction = String(thousandths % 1000n)
    .padStart(3, '0')
    .replace(/0+$/, '');
  return `${thousandths / 1000n}${fraction === '' ? '' : `.${fraction}`}`;
}

function decimalText(written: number): string | undefined {
  if (!Number.isFinite(written)) return undefined;
  return Number.isInteger(written) ? String(BigInt(written)) : written.toFixed(9);
}

function divideUp(amount: bigint, by: bigint): bigint {
  return (amount + by - 1n) / by;
}

function hint(text: string): string | undefined {
  const [, number, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([kmgtpe])i?b?\s*$/i.exec(text) ?? [];
  if (number === undefined) return undefined;
  const upper = unit.toUpperCase();
  return `write ${number}${upper === 'K' ? 'k' : upper} for powers of 1,000 or ${number}${upper}i for powers of 1,024`;
}

function advice(kind: QuantityKind): string {
  const example = { cpu: "cores, such as 2, 0.5 or '500m'", memory: "bytes, such as '512Mi', '4Gi' or '1.5G'", gpu: 'devices, such as 1' };
  return `write ${example[kind]}`;
}

function shown(written: unknown): string {
  if (typeof written === 'string')
    return JSON.stringify(written.length > MOST_CHARACTERS ? `${written.slice(0, MOST_CHARACTERS)}...` : written);
  return typeof written === 'object' && written !== null ? 'an object' : String(written);
}

function faulty(text: string): ReadQuantity {
  return { kind: 'faulty', text };
}
