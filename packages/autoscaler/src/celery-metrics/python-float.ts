/**
 * A number as Python's Prometheus client writes it: `1.0`, `0.005`, `1e-07`, `1e+06`, `+Inf`, `NaN` (prometheus_client/utils.py,
 * `floatToGoString`). Prometheus 2 takes `le="1"` and `le="1.0"` for different series.
 */
export function pythonFloat(value: number): string {
  if (Number.isInteger(value) && value > -1e6 && value < 1e6) return Object.is(value, -0) ? '-0.0' : `${value}.0`;
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  // As Go, it writes a million and more with an exponent.
  if (value >= 1e6) return withExponent(value);
  return reprOf(value);
}

/** Both languages write the shortest digits that read back as the same number; they differ in where an exponent begins, and in its zeros. */
function reprOf(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude < 1e-4 || magnitude >= 1e16) return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  const text = String(value);
  return text.includes('.') ? text : `${text}.0`;
}

function withExponent(value: number): string {
  const repr = reprOf(value);
  const dot = repr.indexOf('.');
  if (dot <= 6) return repr;
  const mantissa = `${repr[0]}.${repr.slice(1, dot)}${repr.slice(dot + 1)}`.replace(/[0.]+$/, '');
  return `${mantissa}e+0${dot - 1}`;
}
