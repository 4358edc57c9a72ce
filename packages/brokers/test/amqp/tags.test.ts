import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeAcks } from '../../src/transports/amqp/claim-channel.ts';
import { createConfirmWindow } from '../../src/transports/amqp/confirm-window.ts';
import { delayedRoutingKey, withoutDelay } from '../../src/transports/amqp/native-delay.ts';
import { createFrameWriter } from '../../src/transports/amqp/wire/frame-writer.ts';

const ACK_BYTES = 21;

describe('acknowledgements of one turn', () => {
  it('cover the batch and nothing else, with one frame for the prefix', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 60 })), fc.func(fc.boolean()), (tags, isAcked) => {
        const outstanding = tags.toSorted((a, b) => a - b);
        const batch = new Set(outstanding.filter((tag) => isAcked(tag)));
        const writer = createFrameWriter();
        writeAcks(writer, 3, outstanding, batch);
        const bytes = writer.take();
        const covered = new Set<number>();
        for (let offset = 0; offset < bytes.length; offset += ACK_BYTES) {
          expect([bytes.readUInt8(offset), bytes.readUInt16BE(offset + 1), bytes.readUInt32BE(offset + 7)]).toEqual([
            1,
            3,
            (60 << 16) | 80,
          ]);
          const tag = Number(bytes.readBigUInt64BE(offset + 11));
          const multiple = bytes[offset + 19] === 1;
          for (const one of outstanding) if (one === tag || (multiple && one < tag)) covered.add(one);
        }
        expect(covered).toEqual(batch);
      }),
    );
  });
});

describe('confirm window', () => {
  it('takes out what is confirmed, single or up to a tag, in order', () => {
    const window = createConfirmWindow<{ returned: boolean; name: string }>();
    for (const name of ['a', 'b', 'c', 'd', 'e']) window.add({ name, returned: false });
    const names = (entries: readonly { name: string }[]) => entries.map(({ name }) => name).join('');
    expect(names(window.confirm(2, false))).toBe('b');
    expect(names(window.confirm(2, false))).toBe('');
    window.markReturned(({ name }) => name > 'b');
    window.markReturned(({ name }) => name > 'b');
    expect(window.confirm(4, true).map(({ name, returned }) => `${name}${returned}`)).toEqual(['afalse', 'ctrue', 'dtrue']);
    expect(window.size).toBe(1);
    expect(names(window.takeAll())).toBe('e');
    window.add({ name: 'f', returned: false });
    expect(names(window.confirm(1, false))).toBe('f');
  });
});

describe('delayed routing keys', () => {
  it('are 28 binary digits, the most significant first', () => {
    expect(delayedRoutingKey('qq', 5)).toBe(`${'0.'.repeat(25)}1.0.1.qq`);
    expect(delayedRoutingKey('a.b', 0)).toBe(`${'0.'.repeat(28)}a.b`);
    expect(delayedRoutingKey('q', 2 ** 40)).toBe(`${'1.'.repeat(28)}q`);
    expect(delayedRoutingKey('q', 0.2)).toBe(delayedRoutingKey('q', 1));
  });

  it('replace an earlier delay, also a repeated one', () => {
    const twice = `${'0.'.repeat(28)}${delayedRoutingKey('q', 9)}`;
    expect(withoutDelay(twice)).toBe('q');
    expect(delayedRoutingKey(twice, 5)).toBe(delayedRoutingKey('q', 5));
    expect(withoutDelay('1.0.q')).toBe('1.0.q');
  });
});
