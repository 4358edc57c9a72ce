const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,3}))?$/;

const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * A Kubernetes quantity (`500m`, `1.5Gi`, `2e3`, also a bare number) in cores, bytes or pieces; null when it is none. Source:
 * k8s.io/apimachinery/pkg/api/resource, Quantity.
 */
export function parseQuantity(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  const match = typeof value === 'string' && value.length <= 64 ? QUANTITY.exec(value) : null;
  if (match === null) return null;
  const [, digits, suffix, exponent] = match;
  const factor = suffix !== undefined ? (FACTORS[suffix] ?? Number.NaN) : exponent !== undefined ? 10 ** Number(exponent) : 1;
  // 1e-3 is not exact in binary: 100m is a tenth, not 0.1000...1
  const amount = suffix === 'm' ? Number(digits) / 1_000 : Number(digits) * factor;
  return Number.isFinite(amount) ? amount : null;
}
