import { expect, it } from 'vitest';
import { pythonFloat } from '../../src/celery-metrics/python-float.ts';

it.each([
  [0, '0.0'],
  [1, '1.0'],
  [0.005, '0.005'],
  [7.5, '7.5'],
  [1_800, '1800.0'],
  [999_999, '999999.0'],
  [1_000_000, '1e+06'],
  [1_234_567, '1.234567e+06'],
  [12_345_678.25, '1.234567825e+07'],
  [1e-7, '1e-07'],
  [1.5e-5, '1.5e-05'],
  [0.0001, '0.0001'],
  [1e16, '1e+16'],
  [1.5e100, '1.5e+100'],
  [-2, '-2.0'],
  [0.1 + 0.2, '0.30000000000000004'],
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
  [Number.NaN, 'NaN'],
])("%d is written as Python's Prometheus client writes it: %s", (value, text) => {
  expect(pythonFloat(value)).toBe(text);
});
