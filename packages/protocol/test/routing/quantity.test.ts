import { quantityText, readQuantity } from '@celeriac/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const KINDS = ['cpu', 'memory', 'gpu'] as const;
const nano = (written: unknown, kind: (typeof KINDS)[number] = 'cpu'): bigint => {
  const read = readQuantity(written, kind);
  if (read.kind === 'faulty') throw new Error(read.text);
  return read.nano;
};

describe('readQuantity', () => {
  test.each<[string | number, bigint]>([
    ['2', 2_000_000_000n],
    ['500m', 500_000_000n],
    ['0.5', 500_000_000n],
    ['.5', 500_000_000n],
    ['5.', 5_000_000_000n],
    ['+1', 1_000_000_000n],
    ['-0', 0n],
    ['250u', 250_000n],
    ['1n', 1n],
    ['1e3', 1_000_000_000_000n],
    ['1E3', 1_000_000_000_000n],
    ['1E', 10n ** 27n],
    ['25e-1', 2_500_000_000n],
    ['1k', 1_000_000_000_000n],
    ['1.5G', 1_500_000_000n * 10n ** 9n],
    ['4Gi', 4n * 1024n ** 3n * 10n ** 9n],
    ['0.5Ki', 512n * 10n ** 9n],
    ['12.0n', 12n],
    ['12.1n', 13n],
    ['0.1n', 1n], // finer than a billionth: up
    [2, 2_000_000_000n],
    [0.5, 500_000_000n],
    [0.1 + 0.2, 300_000_000n], // a float: to the nearest
    [2 ** 40, 2n ** 40n * 10n ** 9n],
  ])('%s is exact', (written, expected) => {
    expect(nano(written)).toBe(expected);
  });

  test.each<[unknown, (typeof KINDS)[number], string]>([
    ['4GB', 'memory', '"4GB" is not a quantity; write 4G for powers of 1,000 or 4Gi for powers of 1,024'],
    ['4 gi', 'memory', 'write 4G for powers of 1,000 or 4Gi'],
    ['10K', 'memory', 'write 10k for powers of 1,000 or 10Ki'],
    ['400m', 'memory', '"400m" is less than one byte: m is a thousandth; write 400M or 400Mi'],
    ['much', 'cpu', `"much" is not a quantity; write cores, such as 2, 0.5 or '500m'`],
    ['', 'cpu', 'is not a quantity'],
    ['.', 'cpu', 'is not a quantity'],
    ['1e', 'cpu', 'is not a quantity'],
    ['0x10', 'cpu', 'is not a quantity'],
    ['1\n', 'cpu', 'is not a quantity'],
    ['-1', 'cpu', '"-1" is negative'],
    [-0.5, 'cpu', '-0.5 is negative'],
    ['9Ei', 'memory', 'is more than 2^63 - 1'],
    ['1e999', 'cpu', 'is more than 2^63 - 1'],
    [Number.NaN, 'cpu', 'NaN is not a quantity'],
    [Number.POSITIVE_INFINITY, 'gpu', 'Infinity is not a quantity'],
    [true, 'cpu', 'true is not a quantity'],
    [null, 'memory', 'null is not a quantity'],
    [{}, 'memory', 'an object is not a quantity'],
    ['1'.repeat(100_000), 'cpu', 'is not a quantity'],
  ])('%o of %s is refused with what to write', (written, kind, text) => {
    expect(readQuantity(written, kind)).toMatchObject({ kind: 'faulty', text: expect.stringContaining(text) });
  });

  test('is total', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.string(), fc.stringMatching(/^[+-]?[0-9.]*[a-zA-Z0-9+-]{0,5}$/)),
        fc.constantFrom(...KINDS),
        (written, kind) => {
          const read = readQuantity(written, kind);
          if (read.kind === 'amount') expect(read.nano >= 0n).toBe(true);
          else expect(read.text).not.toBe('');
        },
      ),
    );
  });

  test('units are what they say: moving the point and the unit changes nothing', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000 }), (count) => {
        expect(nano(`${count}m`)).toBe(nano(`${count}e-3`));
        expect(nano(`${count}k`)).toBe(nano(`${count}000`));
        expect(nano(`${count}Gi`, 'memory')).toBe(nano(`${count * 1024}Mi`, 'memory'));
        expect(nano(`${count}Mi`, 'memory')).toBe(nano(count * 2 ** 20, 'memory'));
        expect(nano(`${count}.25`)).toBe(nano(`${count}250m`));
      }),
    );
  });
});

describe('quantityText', () => {
  test.each<[string, (typeof KINDS)[number], string]>([
    ['4Gi', 'memory', '4Gi'],
    ['1536Mi', 'memory', '1.5Gi'],
    ['1.5G', 'memory', '1.396Gi'],
    ['1000', 'memory', '1000'],
    ['0', 'memory', '0'],
    ['2', 'cpu', '2'],
    ['1.5', 'cpu', '1500m'],
    ['10u', 'cpu', '10000n'],
    ['0.5', 'gpu', '0.5'],
    ['3', 'gpu', '3'],
  ])('%s of %s reads %s', (written, kind, text) => {
    expect(quantityText(nano(written, kind), kind)).toBe(text);
  });

  test('never says more than there is', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 60n }), fc.constantFrom('memory' as const, 'cpu' as const), (amount, kind) => {
        const whole = kind === 'memory' ? amount * 10n ** 9n : amount;
        expect(nano(quantityText(whole, kind), kind) <= whole).toBe(true);
      }),
    );
  });
});
