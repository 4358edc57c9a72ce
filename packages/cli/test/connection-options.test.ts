import { Command } from 'commander';
import { expect, test } from 'vitest';
import { addConnectionOptions } from '../src/connection-options.ts';
import { addQueueOptions, queueDeclaration } from '../src/queue-options.ts';

function parse(...words: readonly string[]): Record<string, unknown> {
  const command = addQueueOptions(addConnectionOptions(new Command('test').exitOverride().configureOutput({ writeErr: () => {} })));
  return command.parse(words, { from: 'user' }).opts();
}

test('transport options add up; snake case and JSON are understood', () => {
  const words = ['--broker-option', 'master_name=main', '--broker-option', 'visibilityTimeout=600', '--broker-option', 'sep=a=b'];
  expect(parse(...words, '--backend-option', 'ssl={"sslCertReqs": "none"}')).toEqual({
    brokerOption: { masterName: 'main', visibilityTimeout: 600, sep: 'a=b' },
    backendOption: { ssl: { sslCertReqs: 'none' } },
  });
  expect(() => parse('--broker-option', 'masterName')).toThrow('NAME=VALUE is needed');
});

test('queues are declared plain unless told otherwise', () => {
  expect(queueDeclaration('q', parse())).toEqual({ name: 'q' });
  expect(queueDeclaration('q', parse('--queue-type', 'classic'))).toEqual({ name: 'q' });
  expect(queueDeclaration('q', parse('--queue-type', 'quorum'))).toEqual({ name: 'q', arguments: { 'x-queue-type': 'quorum' } });
  expect(queueDeclaration('q', parse('--queue-max-priority', '10'))).toEqual({ name: 'q', arguments: { 'x-max-priority': 10 } });
  expect(() => parse('--queue-max-priority', '256')).toThrow('from 1 to 255');
});
