import { expect, test } from 'vitest';
import { childCommand, sharedFlags, withoutSecrets } from '../../src/pool/prefork/child-command.ts';
import { settle } from '../../src/pool/prefork/prefork-options.ts';

const events = { onStarted() {}, onOutcome() {}, onRoom() {}, onLog() {}, onCall: () => Promise.reject(new Error()) };

test('children share the options that change how code loads, and no others', () => {
  const flags = [
    '--conditions',
    'development',
    '--import=./setup.ts',
    '--inspect=9229',
    '-r',
    './old.cjs',
    '-e',
    '--require',
    '--permission',
  ];
  expect(sharedFlags(flags)).toEqual([
    '--conditions',
    'development',
    '--import=./setup.ts',
    '-r',
    './old.cjs',
    '--require',
    '--permission',
  ]);
});

test('secrets are withheld by name and by value', () => {
  const env = {
    PATH: '/bin',
    CELERY_BROKER_URL: 'x',
    COPY: 'redis://:secret@host/0',
    WRAPPED: 'BROKER=redis://:secret@host/0;x=1',
    OTHER: 'redis://host/0',
    UNSET: undefined,
  };
  const secrets = { names: ['CELERY_BROKER_URL'], values: ['redis://:secret@host/0', ''] };
  expect(withoutSecrets(env, secrets)).toEqual({ PATH: '/bin', OTHER: 'redis://host/0' });
});

test('a permission becomes flags of Node', () => {
  const permission = { allowFsRead: ['/app', '/lib'], allowFsWrite: ['/tmp'], allowWorker: true };
  const settings = settle({ modules: ['./t.ts'], slots: 1, env: {}, events, permission }, '/app');
  const { args } = childCommand(settings, '/node', [], 'file:///lib/pool.js');
  expect(args.slice(0, -1)).toEqual([
    '--permission',
    '--allow-fs-read=/app',
    '--allow-fs-read=/lib',
    '--allow-fs-write=/tmp',
    '--allow-worker',
    '/lib/child-entry.js',
  ]);
});

test('from source, children run from source', () => {
  const { args } = childCommand(settle({ modules: ['./t.ts'], slots: 1, env: {}, events }, '/'), '/node', [], 'file:///lib/pool.ts');
  expect(args.slice(0, 2)).toEqual(['--conditions=@celeriac/source', '/lib/child-entry.ts']);
});
