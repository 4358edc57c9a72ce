import { matchesGlob, type Route, type RouteOptions, type RoutingConfig, routeTask } from '@celeriac/protocol';
import { describe, expect, test } from 'vitest';

describe('routeTask', () => {
  const routes: RoutingConfig = {
    taskRoutes: { 'mail.send': 'mail-now', 'mail.*': { queue: 'mail' }, 'video.?': { exchange: 'media', routingKey: 'video.a' } },
    taskQueues: { wide: { exchangeType: 'topic', exchange: 'media', routingKey: 'wide.#' }, topical: { exchangeType: 'topic' } },
  };
  test.each<[string, RouteOptions, RoutingConfig, Route]>([
    ['tasks.add', {}, {}, { exchange: '', routingKey: 'celery', queue: 'celery' }],
    ['tasks.add', {}, { taskDefaultQueue: 'main' }, { exchange: '', routingKey: 'main', queue: 'main' }],
    ['tasks.add', { queue: 'q' }, routes, { exchange: '', routingKey: 'q', queue: 'q' }],
    ['mail.send', {}, routes, { exchange: '', routingKey: 'mail-now', queue: 'mail-now' }],
    ['mail.other', {}, routes, { exchange: '', routingKey: 'mail', queue: 'mail' }],
    ['mail.other', { queue: 'mine' }, routes, { exchange: '', routingKey: 'mine', queue: 'mine' }],
    ['video.x', {}, routes, { exchange: 'media', routingKey: 'video.a', queue: 'video.a' }],
    ['tasks.add', { queue: 'wide' }, routes, { exchange: 'media', routingKey: 'wide.#', queue: 'wide' }],
    ['tasks.add', { queue: 'wide', routingKey: 'wide.1' }, routes, { exchange: 'media', routingKey: 'wide.1', queue: 'wide' }],
    ['tasks.add', { queue: 'topical' }, routes, { exchange: 'topical', routingKey: 'celery', queue: 'topical' }],
    ['toString', {}, { taskRoutes: {} }, { exchange: '', routingKey: 'celery', queue: 'celery' }],
    ['a', {}, { taskRoutes: [{ b: 'x' }, { '*': 'y' }] }, { exchange: '', routingKey: 'y', queue: 'y' }],
  ])('%s %o', (name, options, config, route) => {
    expect(routeTask(name, options, config)).toEqual(route);
  });
});

describe('matchesGlob', () => {
  test.each<[string, string, boolean]>([
    ['*', '', true],
    ['a*c', 'abc', true],
    ['a*c', 'ab', false],
    ['a?c', 'ac', false],
    ['[abc]x', 'bx', true],
    ['[!abc]x', 'bx', false],
    ['[a-c]', 'b', true],
    ['[]]', ']', true],
    ['[', '[', true],
    ['a.b', 'axb', false],
    ['**a**', 'xxa', true],
  ])('%s %s', (pattern, text, expected) => {
    expect(matchesGlob(pattern, text)).toBe(expected);
  });

  test('is quick on a pattern made to be slow', () => {
    const before = process.cpuUsage();
    expect(matchesGlob(`${'*a'.repeat(500)}b`, 'a'.repeat(5_000))).toBe(false);
    // Its own time, not that of others on the same core.
    expect(process.cpuUsage(before).user / 1_000).toBeLessThan(2_000);
  });
});
