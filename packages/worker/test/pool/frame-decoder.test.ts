import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameDecoder } from '../../src/pool/prefork/frame-decoder.ts';
import { childFrameLimitBytes, FRAME } from '../../src/pool/prefork/frame-types.ts';

const LIMIT_BYTES = 4_096;
const limit = (type: number): number => childFrameLimitBytes(type, LIMIT_BYTES);

function frame(type: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(5 + payload.length);
  bytes.writeUInt32LE(payload.length + 1, 0);
  bytes[4] = type;
  bytes.set(payload, 5);
  return bytes;
}

/** What comes out of the bytes when they arrive in pieces of the given sizes. */
function decode(bytes: Buffer, cuts: readonly number[]): { frames: string[]; refusal: string | undefined } {
  const frames: string[] = [];
  const decoder = new FrameDecoder(limit, (type, all, start, end) => {
    frames.push(`${type}:${all.toString('hex', start, end)}`);
    return undefined;
  });
  let refusal: string | undefined;
  for (let at = 0, turn = 0; at < bytes.length && refusal === undefined; turn += 1) {
    const size = cuts[turn % cuts.length] ?? bytes.length;
    refusal = decoder.push(bytes.subarray(at, at + size));
    at += size;
  }
  return { frames, refusal };
}

test('frames come out whole however the stream is cut', () => {
  const someFrame = fc.record({
    type: fc.constantFrom(FRAME.SUCCEEDED, FRAME.LOG, FRAME.CALL),
    payload: fc.uint8Array({ maxLength: 200 }),
  });
  fc.assert(
    fc.property(fc.array(someFrame), fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1 }), (frames, cuts) => {
      const bytes = Buffer.concat(frames.map(({ type, payload }) => frame(type, payload)));
      const { frames: seen, refusal } = decode(bytes, cuts);
      expect(refusal).toBeUndefined();
      expect(seen).toEqual(frames.map(({ type, payload }) => `${type}:${Buffer.from(payload).toString('hex')}`));
    }),
  );
});

test('any bytes give frames within their limits, or a refusal; never a throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), fc.integer({ min: 1, max: 100 }), (noise, cut) => {
      const { frames } = decode(Buffer.from(noise), [cut]);
      for (const text of frames) expect((text.length - text.indexOf(':') - 1) / 2).toBeLessThan(LIMIT_BYTES + 1_024);
    }),
    { numRuns: 2_000 },
  );
});

test('a huge length is refused before a byte of it is kept', () => {
  const head = Buffer.alloc(5);
  head.writeUInt32LE(0xffff_ffff, 0);
  head[4] = FRAME.SUCCEEDED;
  expect(decode(head, [5]).refusal).toContain('4294967295 bytes');
});

test.each([
  ['an unknown type', frame(99, new Uint8Array(2)), 'unknown frame type 99'],
  ['a frame only parents send', frame(FRAME.JOB, new Uint8Array(2)), 'unknown frame type 1'],
  ['no type at all', Buffer.alloc(8), 'unknown frame type 0'],
  ['a length of nothing', Buffer.from([0, 0, 0, 0, FRAME.LOG]), 'states 0 bytes'],
])('%s is refused', (_what, bytes, why) => {
  expect(decode(bytes, [1]).refusal).toContain(why);
});

test('a refused stream stays refused', () => {
  const decoder = new FrameDecoder(limit, () => 'not like this');
  expect(decoder.push(frame(FRAME.BEGAN, new Uint8Array(8)))).toBe('not like this');
  expect(decoder.push(Buffer.alloc(100))).toBe('not like this');
});

test('a large frame in small pieces is put together once', () => {
  const payload = new Uint8Array(64 * 1_024 * 1_024).fill(7);
  let length = 0;
  const decoder = new FrameDecoder(
    () => 128 * 1_024 * 1_024,
    (_type, _bytes, start, end) => {
      length = end - start;
      return undefined;
    },
  );
  const bytes = frame(FRAME.SUCCEEDED, payload);
  for (let at = 0; at < bytes.length; at += 64 * 1_024) decoder.push(bytes.subarray(at, at + 64 * 1_024));
  expect(length).toBe(payload.length);
});
