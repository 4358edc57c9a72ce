import { SkipList, type SkipNode } from './skip-list.ts';

/** One end of a range of scores. */
export interface ScoreBound {
  readonly value: number;
  readonly exclusive: boolean;
}

/** One end of a range of members; `-1` and `1` are Redis' `-` and `+`. */
export type LexBound = { readonly end: -1 | 1 } | { readonly end: 0; readonly value: string; readonly exclusive: boolean };

/** A half-open range of ranks. */
export interface RankRange {
  readonly start: number;
  readonly end: number;
}

/** A sorted set: a map from member to score beside a skip list in order. */
export class SortedSet {
  readonly #scores = new Map<string, number>();
  readonly #order = new SkipList();
  /** Payload in bytes: members and eight per score. */
  bytes = 0;

  get size(): number {
    return this.#scores.size;
  }

  get members(): ReadonlyMap<string, number> {
    return this.#scores;
  }

  score(member: string): number | undefined {
    return this.#scores.get(member);
  }

  /** Adds or moves a member; answers whether it is new. */
  set(member: string, score: number): boolean {
    const old = this.#scores.get(member);
    if (old === score) return false;
    if (old === undefined) this.bytes += member.length + 8;
    else this.#order.remove(old, member);
    this.#order.insert(score, member);
    this.#scores.set(member, score);
    return old === undefined;
  }

  delete(member: string): boolean {
    const score = this.#scores.get(member);
    if (score === undefined) return false;
    this.#scores.delete(member);
    this.#order.remove(score, member);
    this.bytes -= member.length + 8;
    return true;
  }

  rank(member: string): number | undefined {
    const score = this.#scores.get(member);
    if (score === undefined) return undefined;
    return this.#order.countWhile((node) => node.score < score || (node.score === score && node.member < member));
  }

  ranksByScore(min: ScoreBound, max: ScoreBound): RankRange {
    const start = this.#order.countWhile((node) => (min.exclusive ? node.score <= min.value : node.score < min.value));
    const end = this.#order.countWhile((node) => (max.exclusive ? node.score < max.value : node.score <= max.value));
    return { start, end: Math.max(start, end) };
  }

  ranksByLex(min: LexBound, max: LexBound): RankRange {
    const start = this.#order.countWhile((node) => isBelow(node.member, min));
    const end = this.#order.countWhile((node) => !isAbove(node.member, max));
    return { start, end: Math.max(start, end) };
  }

  /** Nodes of a range of ranks, from low to high or the other way round, after `offset`, at most `count`. */
  slice(range: RankRange, reverse: boolean, offset = 0, count: number = Number.POSITIVE_INFINITY): SkipNode[] {
    const out: SkipNode[] = [];
    const wanted = Math.min(range.end - range.start - offset, count);
    if (offset < 0 || wanted <= 0) return out;
    let node = this.#order.atRank(reverse ? range.end - 1 - offset : range.start + offset);
    while (node && out.length < wanted) {
      out.push(node);
      node = reverse ? node.previous : node.next[0]!;
    }
    return out;
  }
}

function isBelow(member: string, min: LexBound): boolean {
  if (min.end !== 0) return min.end === 1;
  return min.exclusive ? member <= min.value : member < min.value;
}

function isAbove(member: string, max: LexBound): boolean {
  if (max.end !== 0) return max.end === -1;
  return max.exclusive ? member >= max.value : member > max.value;
}
