import { expect, test } from 'vitest';
import { taskNeeds } from '../src/resources-option.ts';

test.each([
  ['cpu=2,memory=4Gi', { cpu: '2', memory: '4Gi' }],
  [' cpu = 500m ', { cpu: '500m' }],
  ['gpu=1', { gpu: { count: 1 } }],
  ['gpu=0.5,gpu.model=t4', { gpu: { count: 0.5, model: 't4' } }],
  ['gpu.model=a100', { gpu: { model: 'a100' } }],
  ['image=registry.example/ml:*,pool=large', { image: 'registry.example/ml:*', pool: 'large' }],
  ['labels.zone=a,labels.example.com/disk=ssd', { labels: { zone: 'a', 'example.com/disk': 'ssd' } }],
  ['labels.query=a=b', { labels: { query: 'a=b' } }],
  ['gpu=many', { gpu: { count: 'many' } }], // for the one who reads needs to refuse
])('%s', (text, needs) => {
  expect(taskNeeds(text)).toEqual(needs);
});

test.each(['', 'cpu', 'cpu=', '=2', 'cpu=2,', ',cpu=2'])('%j is refused', (text) => {
  expect(() => taskNeeds(text)).toThrow('NAME=VALUE is needed');
});
