import { silentLogger } from '@celeriac/brokers';
import { expect, it } from 'vitest';
import { decide } from '../../src/decide/decide.ts';
import { createJournal, type NewRecord } from '../../src/journal/journal.ts';
import { NOW, replicas, restedState, seen, spec } from '../pool-fixtures.ts';

function record(count: number): NewRecord {
  const [ofSpec, ofSeen, state] = [spec(), seen(0, replicas(count)), restedState()];
  return { type: 'decision', pool: 'default', atMs: NOW, spec: ofSpec, seen: ofSeen, state, decision: decide(NOW, ofSpec, ofSeen, state) };
}

it('keeps the latest 500 records in memory, fewer where they are large, never fewer than 50', async () => {
  const journal = createJournal({ logger: silentLogger });
  const [small, large] = [record(2), record(200)];
  for (let index = 0; index < 600; index += 1) journal.write(small);
  expect(journal.size).toBe(500);
  expect(journal.latest().at(0)?.seq).toBe(101);
  for (let index = 0; index < 30; index += 1) journal.write(large);
  // 30 x 200 replicas are more than 5,000: of the small ones only those stay that make fifty.
  expect(journal.size).toBe(50);
  expect(journal.latest().at(-1)?.seq).toBe(630);
  for (let index = 0; index < 100; index += 1) journal.write(large);
  expect(journal.size).toBe(50);
  for (let index = 0; index < 600; index += 1) journal.write(small);
  expect(journal.size).toBe(500);
  await journal.close();
});
