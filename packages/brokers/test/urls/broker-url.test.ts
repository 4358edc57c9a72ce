import { isCeleriacError } from '@celeriac/protocol';
import { describe, expect, it } from 'vitest';
import { type AmqpUrl, parseBrokerUrl, type RedisUrl } from '../../src/urls/broker-url.ts';
import { maskUrl } from '../../src/urls/mask-url.ts';

const redis = (url: string): RedisUrl => parseBrokerUrl(url) as RedisUrl;
const amqp = (url: string): AmqpUrl => parseBrokerUrl(url) as AmqpUrl;

describe('parseBrokerUrl', () => {
  it('reads Redis URLs', () => {
    expect(redis('redis://')).toMatchObject({
      endpoint: { host: '127.0.0.1', port: 6379 },
      database: 0,
      username: null,
      password: null,
      tls: false,
    });
    expect(redis('redis://:s%40c%2Fret@h:1/3')).toMatchObject({
      endpoint: { host: 'h', port: 1 },
      password: 's@c/ret',
      username: null,
      database: 3,
    });
    expect(redis('redis://me:pa:ss@word@h')).toMatchObject({ username: 'me', password: 'pa:ss@word', endpoint: { host: 'h' } });
    expect(redis('rediss://h/0?ssl_cert_reqs=none').tls).toBe(true);
    expect(redis('rediss://h/0?ssl_cert_reqs=none').query.get('ssl_cert_reqs')).toBe('none');
    expect(redis('redis://[::1]:7000/1').endpoint).toEqual({ host: '::1', port: 7000 });
    expect(redis('redis://h/1/').database).toBe(1);
    expect(redis('redis://:100%@h').password).toBe('100%');
    expect(redis('redis+socket:///run/redis/redis.sock?virtual_host=4')).toMatchObject({
      socketPath: '/run/redis/redis.sock',
      database: 4,
    });
  });

  it('reads a list of sentinels', () => {
    expect(redis('sentinel://a:1;sentinel://:pw@b;sentinel://c:3/5')).toMatchObject({
      sentinels: [
        { host: 'a', port: 1 },
        { host: 'b', port: 26_379 },
        { host: 'c', port: 3 },
      ],
      password: 'pw',
      database: 5,
    });
  });

  it('reads AMQP URLs with their virtual hosts and failover', () => {
    expect(amqp('amqp://')).toMatchObject({
      endpoint: { host: '127.0.0.1', port: 5672 },
      username: 'guest',
      password: 'guest',
      virtualHost: '/',
    });
    expect(amqp('pyamqp://u:p%23@h:1//')).toMatchObject({ username: 'u', password: 'p#', virtualHost: '/' });
    expect(amqp('amqp://h/prod')).toMatchObject({ virtualHost: 'prod' });
    expect(amqp('amqp://h/%2Fprod')).toMatchObject({ virtualHost: '/prod' });
    expect(amqp('amqps://h')).toMatchObject({ tls: true, endpoint: { port: 5671 } });
    expect(amqp('amqp://a;amqp://b:2/v').failover).toMatchObject([{ endpoint: { host: 'b', port: 2 }, virtualHost: 'v' }]);
  });

  it('reads memory URLs', () => {
    expect(parseBrokerUrl('memory://')).toEqual({ kind: 'memory', name: '' });
    expect(parseBrokerUrl('memory://test')).toEqual({ kind: 'memory', name: 'test' });
  });

  it.each([
    ['', 'empty'],
    ['localhost:6379', 'not a URL'],
    ['http://h', 'scheme'],
    ['redis://h/zero', 'the database of redis://h/zero must be a number'],
    ['redis://h:port/0', 'port'],
    ['redis://h:70000/0', 'port'],
    ['redis://:sec/ret@h/0', 'percent-encoded'],
    ['redis://:sec#ret@h/0', 'percent-encoded'],
    ['redis://:sec?ret@h/0', 'percent-encode'],
    ['redis+socket://', 'socket file'],
    ['redis://a;redis://b', 'listed'],
    ['amqp://a;redis://b', 'mixes'],
  ])('refuses %j and hides the password', (url, why) => {
    let error: unknown;
    try {
      parseBrokerUrl(url);
    } catch (caught) {
      error = caught;
    }
    expect(isCeleriacError(error, 'CELERIAC_E_URL')).toBe(true);
    expect(String(error)).toContain(why);
    expect(String(error)).not.toContain('ret@');
    expect(String(error)).not.toContain('sec');
  });
});

describe('maskUrl', () => {
  it.each([
    ['redis://h:6379/0', 'redis://h:6379/0'],
    ['redis://user:secret@h:6379/0', 'redis://user:**@h:6379/0'],
    ['redis://:secret@h', 'redis://:**@h'],
    ['redis://:se@cr:et@h', 'redis://:**@h'],
    ['redis://:s@e/cr?e#t@h/0', 'redis://:**@h/0'],
    ['redis://:se/cr?et@h/0', 'redis://:**@h/0'],
    ['sentinel://:secret@a;sentinel://:secret@b', 'sentinel://:**@a;sentinel://:**@b'],
    ['redis://h/0?password=secret&x=1', 'redis://h/0?password=**&x=1'],
    ['redis://[::1]:6379/0', 'redis://[::1]:6379/0'],
    ['user:secret@h', 'user:**@h'],
    ['', ''],
  ])('masks %j', (url, masked) => {
    expect(maskUrl(url)).toBe(masked);
  });

  it('leaves what has no password as it is, also with an @ in the query', () => {
    expect(maskUrl('redis://h:6379/0?client_name=a@b')).toBe('redis://h:6379/0?client_name=a@b');
  });
});
