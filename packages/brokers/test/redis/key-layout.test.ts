import { describe, expect, it } from 'vitest';
import { keyLayout } from '../../src/transports/redis/key-layout.ts';
import { REFRESH_BINDING, SWEEP_BINDINGS } from '../../src/transports/redis/scripts/binding-scripts.ts';
import { topicMatches, topicPattern } from '../../src/transports/redis/topic-pattern.ts';

describe('the keys of kombu', () => {
  it('puts priorities into the bucket of the largest step below', () => {
    const keys = keyLayout(0);
    const buckets = [undefined, -1, 0, 2, 3, 5, 6, 8, 9, 255].map((priority) => keys.bucketFor('q', priority).slice(3));
    expect(buckets).toEqual(['', '', '', '', '3', '3', '6', '6', '9', '9']);
    expect(keys.buckets('q')).toEqual(['q', 'q\x06\x163', 'q\x06\x166', 'q\x06\x169']);
  });

  it('names channels with the database and the routing key', () => {
    const keys = keyLayout(2, { globalKeyprefix: 'x:' });
    expect(keys.channel('celeryev', 'worker.heartbeat')).toBe('x:/2.celeryev/worker.heartbeat');
    expect(keys.channel('celery.pidbox', '')).toBe('x:/2.celery.pidbox');
    expect(keys.fromChannel('x:/2.celeryev/worker.heartbeat', 'celeryev')).toBe('worker.heartbeat');
    expect(keys.fromChannel('x:/2.celery.pidbox', 'celery.pidbox')).toBe('');
    expect(keys.fromChannel('x:/2.celeryev2/a', 'celeryev')).toBeUndefined();
    expect(keyLayout(2, { fanoutPrefix: false, fanoutPatterns: false }).channel('celeryev', 'a')).toBe('celeryev');
    expect(keyLayout(2, { fanoutPrefix: '/{db}-mine.' }).channel('celeryev', 'a')).toBe('/2-mine.celeryev/a');
  });

  it.each([{ prioritySteps: [] }, { prioritySteps: ['a'] }, { queueOrderStrategy: 'random' }, { visibilityTimeout: 0 }, { sep: 3 }])(
    'refuses %j',
    (options) => {
      expect(() => keyLayout(0, options)).toThrow(/CELERIAC_E_CONFIG/);
    },
  );

  it("runs kombu's own scripts by their digests", () => {
    expect(REFRESH_BINDING.sha1).toBe('ef7a9e205fbaf46bf959e1522ff796622fc676c7');
    expect(SWEEP_BINDINGS.sha1).toBe('9a2b966a0a2d2d0e36ec32bc30fc89342b94a4bf');
  });

  it('writes topic patterns as kombu 5.7 does', () => {
    expect(topicPattern('a.*.b-c.#')).toBe('^a\\.[^\\.]+\\.b\\-c\\..*?$');
    expect(topicMatches(topicPattern('a.*.#'), 'a.b.c.d')).toBe(true);
    expect(topicMatches(topicPattern('a.*'), 'a.b.c')).toBe(false);
    expect(topicMatches('(', 'a')).toBe(false);
  });
});
