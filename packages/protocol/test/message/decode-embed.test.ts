import { deflateSync } from 'node:zlib';
import { decodeBody, decodeEmbed } from '@celeriac/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const source = (text: string, compression: string | null = null) => ({
  body: compression === null ? new TextEncoder().encode(text) : deflateSync(text),
  compression,
  ...{ contentType: 'application/json', contentEncoding: 'utf-8', id: 'id-1', taskName: 'tasks.add' },
});
const EMBED = { callbacks: [{ task: 'a', args: ['],["\\'] }], errbacks: null, chain: null, chord: null };
const LONG = 'x'.repeat(300_000);

describe('the embed of a large body', () => {
  test.each([null, 'application/x-gzip'])('is read as decodeBody reads it, compression %s', (compression) => {
    fc.assert(
      fc.property(fc.array(fc.json()), fc.dictionary(fc.string(), fc.json()), fc.boolean(), (args, kwargs, spaced) => {
        const text = JSON.stringify([[LONG, ...args], kwargs, EMBED], null, spaced ? 1 : 0);
        const whole = decodeBody(source(text, compression));
        expect(decodeEmbed(source(text, compression))).toEqual({ kind: 'embed', embed: whole.kind === 'body' && whole.body.embed });
      }),
      { numRuns: 50 },
    );
  });

  test('is read in no time and memory where twenty million values stand in front of it', () => {
    const text = `[[${'{},'.repeat(10_000_000)}{}], {}, ${JSON.stringify(EMBED)}]`;
    const body = source(text, 'application/x-gzip');
    const before = process.memoryUsage().heapUsed;
    expect(decodeEmbed(body)).toEqual({ kind: 'embed', embed: EMBED });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
  });

  test.each([
    ['two elements', `[["${LONG}"], {}]`, 'CELERIAC_E_BODY'],
    ['four elements', `[["${LONG}"], {}, {}, {}]`, 'CELERIAC_E_BODY'],
    ['an object', `{"args": ["${LONG}"]}`, 'CELERIAC_E_BODY'],
    ['a text', `"${LONG}"`, 'CELERIAC_E_BODY'],
    ['no end', `[["${LONG}"], {}, {}`, 'CELERIAC_E_BODY'],
    ['a string without end', `[["${LONG}`, 'CELERIAC_E_BODY'],
    ['more ends than beginnings', `]]]${LONG}`, 'CELERIAC_E_BODY'],
    ['an embed that is not JSON', `[["${LONG}"], {}, x]`, 'CELERIAC_E_BODY'],
    ['an embed that is none', `[["${LONG}"], {}, 5]`, 'CELERIAC_E_EMBED'],
    ['an embed nested too deep', `[["${LONG}"], {}, ${'['.repeat(600)}${']'.repeat(600)}]`, 'CELERIAC_E_TOO_LARGE'],
  ])('is refused: %s', (_name, text, code) => {
    expect(decodeEmbed(source(text))).toMatchObject({ kind: 'refused', refusal: { code, id: 'id-1' } });
  });

  test('is refused where it is itself over the limit of a message', () => {
    const text = `[[], {}, {"x": "${'x'.repeat(9 * 1024 * 1024)}"}]`;
    expect(decodeEmbed(source(text, 'application/x-gzip'))).toMatchObject({ refusal: { code: 'CELERIAC_E_TOO_LARGE' } });
  });
});
