import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultParserLimits, ProtocolError, RequestParser } from '../../src/server/request-parser.ts';

const encode = (args: readonly string[]): string => `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join('')}`;
const binary = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

test('requests come out as they went in, however the bytes are cut', () => {
  const requests = fc.array(fc.array(binary, { minLength: 1, maxLength: 5 }), { maxLength: 8 });
  fc.assert(
    fc.property(requests, fc.array(fc.nat(400), { maxLength: 20 }), (sent, cuts) => {
      const bytes = Buffer.from(sent.map(encode).join(''), 'latin1');
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
      const parser = new RequestParser();
      const got: string[][] = [];
      for (let index = 1; index < places.length; index += 1) {
        parser.feed(bytes.subarray(places[index - 1], places[index]), (args) => got.push(args));
      }
      expect(got).toEqual(sent);
    }),
  );
});

test('any bytes give requests or a ProtocolError, never another error', () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ maxLength: 200 }).map((text) => Buffer.from(`*2\r\n$${text}`)),
  );
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 6 }), (chunks) => {
      const parser = new RequestParser();
      try {
        for (const chunk of chunks) parser.feed(Buffer.from(chunk), () => undefined);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
    { numRuns: 500 },
  );
});

test('the sum of the arguments of one request is bounded', () => {
  const parser = new RequestParser({ ...defaultParserLimits, maxRequestBytes: 10 });
  expect(() => parser.feed(Buffer.from(encode(['123456', '78901'])), () => undefined)).toThrow('too big request');
});

test('a large argument in many pieces costs one copy: four times the size is not sixteen times the work', () => {
  const processorUs = (size: number): number => {
    const parser = new RequestParser();
    const piece = Buffer.alloc(4_096, 'x');
    const started = process.cpuUsage();
    parser.feed(Buffer.from(`*1\r\n$${size}\r\n`), () => undefined);
    for (let sent = 0; sent < size; sent += piece.length) parser.feed(piece, () => undefined);
    const { user, system } = process.cpuUsage(started);
    return user + system;
  };
  const least = (size: number): number => Math.min(...[1, 2, 3, 4, 5].map(() => processorUs(size)));
  expect(least(32 * 1024 * 1024) / Math.max(least(8 * 1024 * 1024), 1_000)).toBeLessThan(12);
});
