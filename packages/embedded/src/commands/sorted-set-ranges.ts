import { CommandError, type Reply } from '../server/reply.ts';
import type { LexBound, RankRange, ScoreBound, SortedSet } from '../types/sorted-set.ts';
import { clampRange, readFloat, readInteger, syntaxError } from './arguments.ts';
import { type Call, type Command, command } from './command.ts';
import { withScores } from './sorted-sets.ts';

type RangeKind = 'rank' | 'score' | 'lex';

interface RangeQuery {
  readonly key: string;
  readonly kind: RangeKind;
  readonly reverse: boolean;
  /** As written: with `reverse` by score or lex the first is the higher one. */
  readonly start: string;
  readonly stop: string;
  readonly offset: number;
  readonly count: number;
  readonly withScores: boolean;
}

function readScoreBound(text: string): ScoreBound {
  const exclusive = text.startsWith('(');
  return { value: readFloat(exclusive ? text.slice(1) : text, 'ERR min or max is not a float'), exclusive };
}

function readLexBound(text: string): LexBound {
  if (text === '-') return { end: -1 };
  if (text === '+') return { end: 1 };
  if (text[0] !== '[' && text[0] !== '(') throw new CommandError('ERR min or max not valid string range item');
  return { end: 0, value: text.slice(1), exclusive: text[0] === '(' };
}

function ranksOf(zset: SortedSet, kind: RangeKind, low: string, high: string): RankRange {
  if (kind === 'score') return zset.ranksByScore(readScoreBound(low), readScoreBound(high));
  return zset.ranksByLex(readLexBound(low), readLexBound(high));
}

function checkBounds(kind: RangeKind, low: string, high: string): void {
  if (kind === 'score') {
    readScoreBound(low);
    readScoreBound(high);
  } else if (kind === 'lex') {
    readLexBound(low);
    readLexBound(high);
  } else clampRange(low, high, 0);
}

function runQuery(call: Call, query: RangeQuery): Reply {
  const backwards = query.reverse && query.kind !== 'rank';
  const low = backwards ? query.stop : query.start;
  const high = backwards ? query.start : query.stop;
  checkBounds(query.kind, low, high);
  const zset = call.database.get(query.key, 'zset');
  if (zset === undefined) return [];
  let range: RankRange;
  if (query.kind === 'rank') {
    const { start, end } = clampRange(low, high, zset.size);
    range = query.reverse ? { start: zset.size - end, end: zset.size - start } : { start, end };
    if (start === end) return [];
  } else range = ranksOf(zset, query.kind, low, high);
  const nodes = zset.slice(range, query.reverse, query.offset, query.count);
  return query.withScores ? withScores(call, nodes) : nodes.map((node) => node.member);
}

/** `ZRANGE key start stop [BYSCORE|BYLEX] [REV] [LIMIT offset count] [WITHSCORES]` and its older forms. */
function range(fixed: { kind?: RangeKind; reverse?: boolean }) {
  return (call: Call, args: readonly string[]): Reply => {
    let kind = fixed.kind ?? 'rank';
    let reverse = fixed.reverse ?? false;
    let scores = false;
    let limit: { offset: number; count: number } | undefined;
    const free = fixed.kind === undefined && fixed.reverse === undefined;
    for (let at = 4; at < args.length; at += 1) {
      const word = args[at]!.toUpperCase();
      if (word === 'WITHSCORES' && kind !== 'lex') scores = true;
      else if (word === 'LIMIT' && at + 2 < args.length) {
        const count = readInteger(args[at + 2]!);
        limit = { offset: readInteger(args[at + 1]!), count: count < 0 ? Number.POSITIVE_INFINITY : count };
        at += 2;
      } else if (free && word === 'REV') reverse = true;
      else if (free && (word === 'BYSCORE' || word === 'BYLEX')) kind = word === 'BYSCORE' ? 'score' : 'lex';
      else throw syntaxError();
    }
    if (limit !== undefined && kind === 'rank') {
      throw new CommandError('ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX');
    }
    const { offset, count } = limit ?? { offset: 0, count: Number.POSITIVE_INFINITY };
    return runQuery(call, { key: args[1]!, kind, reverse, start: args[2]!, stop: args[3]!, offset, count, withScores: scores });
  };
}

function count(kind: 'score' | 'lex') {
  return (call: Call, args: readonly string[]): Reply => {
    checkBounds(kind, args[2]!, args[3]!);
    const zset = call.database.get(args[1]!, 'zset');
    if (zset === undefined) return 0;
    const ranks = ranksOf(zset, kind, args[2]!, args[3]!);
    return ranks.end - ranks.start;
  };
}

function removeRange(kind: RangeKind) {
  return (call: Call, args: readonly string[]): Reply => {
    checkBounds(kind, args[2]!, args[3]!);
    const zset = call.database.get(args[1]!, 'zset');
    if (zset === undefined) return 0;
    const ranks = kind === 'rank' ? clampRange(args[2]!, args[3]!, zset.size) : ranksOf(zset, kind, args[2]!, args[3]!);
    const nodes = zset.slice(ranks, false);
    for (const node of nodes) zset.delete(node.member);
    if (nodes.length > 0) call.database.touch(args[1]!);
    return nodes.length;
  };
}

const read = ['readonly'] as const;

export const sortedSetRangeCommands: readonly Command[] = [
  command('ZRANGE', -4, read, [1, 1, 1], range({})),
  command('ZREVRANGE', -4, read, [1, 1, 1], range({ kind: 'rank', reverse: true })),
  command('ZRANGEBYSCORE', -4, read, [1, 1, 1], range({ kind: 'score' })),
  command('ZREVRANGEBYSCORE', -4, read, [1, 1, 1], range({ kind: 'score', reverse: true })),
  command('ZRANGEBYLEX', -4, read, [1, 1, 1], range({ kind: 'lex' })),
  command('ZREVRANGEBYLEX', -4, read, [1, 1, 1], range({ kind: 'lex', reverse: true })),
  command('ZCOUNT', 4, read, [1, 1, 1], count('score')),
  command('ZLEXCOUNT', 4, read, [1, 1, 1], count('lex')),
  command('ZREMRANGEBYSCORE', 4, ['write'], [1, 1, 1], removeRange('score')),
  command('ZREMRANGEBYLEX', 4, ['write'], [1, 1, 1], removeRange('lex')),
  command('ZREMRANGEBYRANK', 4, ['write'], [1, 1, 1], removeRange('rank')),
];
