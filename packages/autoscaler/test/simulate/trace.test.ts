import { describe, expect, it } from 'vitest';
import { generateTrace, TRACE_KINDS } from '../../src/simulate/generate.ts';
import { formatTrace, parseTrace } from '../../src/simulate/trace.ts';

describe('a trace', () => {
  it('is read in any order of columns and rows, with further columns, quotes and line ends of any kind', () => {
    const text = '\uFEFFqueue,service_s,who,"arrival_s"\r\nemails,2.5,a,10\r\n"celery",1,b,0.25\r\n\r\n';
    expect(parseTrace(text)).toEqual([
      { atMs: 250, serviceMs: 1_000, queue: 'celery' },
      { atMs: 10_000, serviceMs: 2_500, queue: 'emails' },
    ]);
  });

  it.each([
    ['', /^CELERIAC_E_CONFIG: t\.csv: line 1: the columns arrival_s and service_s are needed/],
    ['arrival,service\n1,2\n', /line 1: .*there is: arrival, service/],
    ['arrival_s,service_s\n', /no rows/],
    ['arrival_s,service_s\n1,2\nsoon,3\n', /line 3: arrival_s is not a number of seconds from 0: soon/],
    ['arrival_s,service_s\n1,\n', /line 2: service_s is not a number/],
    ['arrival_s,service_s\n1,-2\n', /line 2: service_s is not a number/],
    ['arrival_s,service_s\n1,Infinity\n', /line 2: service_s/],
    ['arrival_s,service_s\n1\n', /line 2: 1 columns, the header has 2/],
    ['arrival_s,service_s,queue\n1,2,\n', /line 2: no queue/],
  ])('%j is refused with its line', (text, message) => {
    expect(() => parseTrace(text, 't.csv')).toThrow(message);
  });

  it('lists ten faults at most', () => {
    const text = `arrival_s,service_s\n${'x,1\n'.repeat(15)}`;
    expect(() => parseTrace(text)).toThrow(/line 11: [^\n]*\n {2}and 5 more$/);
  });
});

describe.each(TRACE_KINDS)('a generated trace, %s', (kind) => {
  const options = { kind, seed: 7, durationMs: 24 * 3_600_000, ratePerS: 0.1, meanServiceMs: 30_000 };
  const trace = generateTrace(options);

  it('is the same for the same seed, and another one for another', () => {
    expect(formatTrace(generateTrace(options))).toBe(formatTrace(trace));
    expect(formatTrace(generateTrace({ ...options, seed: 8 }))).not.toBe(formatTrace(trace));
  });

  it('survives being written and read', () => {
    expect(parseTrace(formatTrace(trace))).toEqual(trace);
  });

  it('has the rate and the mean it was asked for, in order and within its duration', () => {
    const mean = trace.reduce((sum, { serviceMs }) => sum + serviceMs, 0) / trace.length;
    expect(trace.length / 8_640).toBeGreaterThan(0.8);
    expect(trace.length / 8_640).toBeLessThan(1.2);
    expect(mean / 30_000).toBeGreaterThan(0.85);
    expect(mean / 30_000).toBeLessThan(1.15);
    expect(trace.every(({ atMs, serviceMs }) => atMs >= 0 && atMs < options.durationMs && serviceMs > 0)).toBe(true);
    expect(trace.map(({ atMs }) => atMs)).toEqual(trace.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
  });
});

describe('the kinds differ as they say', () => {
  const trace = (kind: (typeof TRACE_KINDS)[number]) =>
    generateTrace({ kind, seed: 3, durationMs: 24 * 3_600_000, ratePerS: 0.1, meanServiceMs: 30_000 });
  const variation = (numbers: readonly number[]): number => {
    const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
    return Math.sqrt(numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0) / numbers.length) / mean;
  };
  const gaps = (kind: (typeof TRACE_KINDS)[number]) => {
    const arrivals = trace(kind);
    return arrivals.slice(1).map(({ atMs }, index) => atMs - (arrivals[index]?.atMs ?? 0));
  };

  it('bursts in gaps, long tails in service, tides over the day', () => {
    expect(variation(gaps('poisson'))).toBeLessThan(1.1);
    expect(variation(gaps('bursty'))).toBeGreaterThan(2);
    const service = (kind: (typeof TRACE_KINDS)[number]) => trace(kind).map(({ serviceMs }) => serviceMs);
    expect(variation(service('poisson'))).toBeLessThan(1);
    expect(variation(service('heavy-tailed'))).toBeGreaterThan(1.5);
    const hours = Array.from({ length: 24 }, () => 0);
    for (const { atMs } of trace('diurnal')) hours[Math.floor(atMs / 3_600_000)] = (hours[Math.floor(atMs / 3_600_000)] ?? 0) + 1;
    expect(Math.max(...hours)).toBeGreaterThan(5 * Math.max(1, Math.min(...hours)));
  });
});
