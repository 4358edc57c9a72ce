const MAX_LEVEL = 24;

export interface SkipNode {
  readonly member: string;
  readonly score: number;
  readonly next: (SkipNode | null)[];
  /** How many nodes a step at this level passes. */
  readonly span: number[];
  previous: SkipNode | null;
}

/** Order of a sorted set: by score, then by the bytes of the member. */
export function before(scoreA: number, memberA: string, scoreB: number, memberB: string): boolean {
  return scoreA < scoreB || (scoreA === scoreB && memberA < memberB);
}

/** Members in order with their ranks: insert, remove and rank in O(log n). */
export class SkipList {
  readonly #head: SkipNode = makeNode('', Number.NEGATIVE_INFINITY, MAX_LEVEL);
  #level = 1;
  #size = 0;
  #random = 0x9e3779b9;
  readonly #update: SkipNode[] = new Array<SkipNode>(MAX_LEVEL).fill(this.#head);
  readonly #rank: number[] = new Array<number>(MAX_LEVEL).fill(0);
  last: SkipNode | null = null;

  get size(): number {
    return this.#size;
  }

  get first(): SkipNode | null {
    return this.#head.next[0]!;
  }

  insert(score: number, member: string): SkipNode {
    this.#descend(score, member);
    const level = this.#drawLevel();
    for (let i = this.#level; i < level; i += 1) {
      this.#rank[i] = 0;
      this.#update[i] = this.#head;
      this.#head.span[i] = this.#size;
    }
    if (level > this.#level) this.#level = level;
    const node = makeNode(member, score, level);
    for (let i = 0; i < level; i += 1) {
      const prior = this.#update[i]!;
      node.next[i] = prior.next[i]!;
      prior.next[i] = node;
      const passed = this.#rank[0]! - this.#rank[i]!;
      node.span[i] = prior.span[i]! - passed;
      prior.span[i] = passed + 1;
    }
    for (let i = level; i < this.#level; i += 1) this.#update[i]!.span[i]! += 1;
    node.previous = this.#update[0] === this.#head ? null : this.#update[0]!;
    if (node.next[0]) node.next[0].previous = node;
    else this.last = node;
    this.#size += 1;
    return node;
  }

  remove(score: number, member: string): boolean {
    this.#descend(score, member);
    const node = this.#update[0]!.next[0];
    if (!node || node.score !== score || node.member !== member) return false;
    for (let i = 0; i < this.#level; i += 1) {
      const prior = this.#update[i]!;
      if (prior.next[i] === node) {
        prior.span[i]! += node.span[i]! - 1;
        prior.next[i] = node.next[i]!;
      } else prior.span[i]! -= 1;
    }
    if (node.next[0]) node.next[0].previous = node.previous;
    else this.last = node.previous;
    while (this.#level > 1 && this.#head.next[this.#level - 1] === null) this.#level -= 1;
    this.#size -= 1;
    return true;
  }

  /** Number of nodes for which `passes` holds; it must hold for a prefix of the order. */
  countWhile(passes: (node: SkipNode) => boolean): number {
    let node = this.#head;
    let rank = 0;
    for (let i = this.#level - 1; i >= 0; i -= 1) {
      for (let next = node.next[i]; next && passes(next); next = node.next[i]) {
        rank += node.span[i]!;
        node = next;
      }
    }
    return rank;
  }

  /** The node with this many nodes before it, or null. */
  atRank(rank: number): SkipNode | null {
    if (rank < 0 || rank >= this.#size) return null;
    let node = this.#head;
    let passed = 0;
    for (let i = this.#level - 1; i >= 0; i -= 1) {
      while (node.next[i] && passed + node.span[i]! <= rank + 1) {
        passed += node.span[i]!;
        node = node.next[i]!;
      }
      if (passed === rank + 1) return node;
    }
    return null;
  }

  /** Fills #update and #rank with the nodes before the place of (score, member) at each level. */
  #descend(score: number, member: string): void {
    let node = this.#head;
    for (let i = this.#level - 1; i >= 0; i -= 1) {
      this.#rank[i] = i === this.#level - 1 ? 0 : this.#rank[i + 1]!;
      for (let next = node.next[i]; next && before(next.score, next.member, score, member); next = node.next[i]) {
        this.#rank[i]! += node.span[i]!;
        node = next;
      }
      this.#update[i] = node;
    }
  }

  /** A level with probability 1/4 per step, from a xorshift of the list's own. */
  #drawLevel(): number {
    let level = 1;
    let x = this.#random;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#random = x;
    for (let bits = x >>> 0; (bits & 3) === 3 && level < 16; bits >>>= 2) level += 1;
    return level;
  }
}

function makeNode(member: string, score: number, level: number): SkipNode {
  return {
    member,
    score,
    next: new Array<SkipNode | null>(level).fill(null),
    span: new Array<number>(level).fill(0),
    previous: null,
  };
}
