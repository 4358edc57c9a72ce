import type { Database } from '../keyspace/database.ts';

export interface ScoredMember {
  readonly member: string;
  readonly score: number;
}

/** Takes up to `count` members from one end of a sorted set. */
export function takeExtremes(database: Database, key: string, highest: boolean, count: number): ScoredMember[] {
  const zset = database.get(key, 'zset');
  if (zset === undefined) return [];
  const taken = zset.slice({ start: 0, end: zset.size }, highest, 0, count).map(({ member, score }) => ({ member, score }));
  for (const { member } of taken) zset.delete(member);
  if (taken.length > 0) database.touch(key);
  return taken;
}
