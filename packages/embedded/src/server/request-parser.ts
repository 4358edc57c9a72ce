/** A request that breaks the protocol: answered with this message, then the connection is closed. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export interface ParserLimits {
  /** Longest single argument, in bytes. */
  readonly maxBulkBytes: number;
  /** Most arguments of one request. */
  readonly maxArguments: number;
  /** Sum of the arguments of one request, in bytes. */
  readonly maxRequestBytes: number;
  /** Longest inline request or header line, in bytes. */
  readonly maxLineBytes: number;
}

export const defaultParserLimits: ParserLimits = {
  maxBulkBytes: 512 * 1024 * 1024,
  maxArguments: 1024 * 1024,
  maxRequestBytes: 512 * 1024 * 1024,
  maxLineBytes: 64 * 1024,
};

const CR = 13;
const LF = 10;
const STAR = 42;
const DOLLAR = 36;

/**
 * Cuts the bytes of one connection into requests. Keeps what is incomplete: a line as text, a bulk as the list of its
 * pieces, which is joined once when the last one is there, so that a large argument costs one copy however it arrives.
 */
export class RequestParser {
  readonly #limits: ParserLimits;
  #line = '';
  #args: string[] = [];
  #argsMissing = 0;
  #requestBytes = 0;
  #bulkLength = -1;
  #bulkMissing = 0;
  #pieces: Buffer[] = [];

  constructor(limits: ParserLimits = defaultParserLimits) {
    this.#limits = limits;
  }

  /**
   * Hands every request that is complete with this chunk to `sink`.
   * @throws ProtocolError when the bytes are no request; the parser must not be fed again.
   */
  feed(chunk: Buffer, sink: (args: string[]) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#bulkLength >= 0) at = this.#readBulk(chunk, at, sink);
      else at = this.#readLine(chunk, at, sink);
    }
  }

  #readLine(chunk: Buffer, at: number, sink: (args: string[]) => void): number {
    const first = chunk[at]!;
    if (this.#line === '' && (first === STAR || first === DOLLAR)) {
      const end = this.#readShortHeader(chunk, at, first);
      if (end > 0) {
        if (first === STAR && this.#argsMissing === 0) this.#finish(sink);
        return end;
      }
    }
    const lf = chunk.indexOf(LF, at);
    const end = lf < 0 ? chunk.length : lf;
    if (this.#line.length + end - at > this.#limits.maxLineBytes) throw new ProtocolError(this.#tooLong());
    this.#line += chunk.toString('latin1', at, end);
    if (lf < 0) return end;
    const line = this.#line.endsWith('\r') ? this.#line.slice(0, -1) : this.#line;
    this.#line = '';
    this.#onLine(line, sink);
    return lf + 1;
  }

  /** The common case without making a string: a header of at most nine digits that lies whole in the chunk. Returns its end or 0. */
  #readShortHeader(chunk: Buffer, at: number, kind: number): number {
    let value = 0;
    let next = at + 1;
    for (; next < chunk.length; next += 1) {
      const digit = chunk[next]! - 48;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    const digits = next - at - 1;
    if (digits === 0 || digits > 9 || next + 1 >= chunk.length || chunk[next] !== CR || chunk[next + 1] !== LF) return 0;
    if (kind === STAR && this.#argsMissing === 0) this.#beginRequest(value);
    else if (kind === DOLLAR && this.#argsMissing > 0) this.#beginBulk(value);
    else return 0;
    return next + 2;
  }

  #onLine(line: string, sink: (args: string[]) => void): void {
    if (this.#argsMissing > 0) {
      if (line[0] !== '$') throw new ProtocolError(`Protocol error: expected '$', got '${line[0] ?? ' '}'`);
      this.#beginBulk(readLength(line, 'Protocol error: invalid bulk length'));
    } else if (line[0] === '*') {
      const count = readLength(line, 'Protocol error: invalid multibulk length');
      this.#beginRequest(Math.max(count, 0));
    } else {
      const args = splitInline(line);
      if (args === null) throw new ProtocolError('Protocol error: unbalanced quotes in request');
      if (args.length > 0) sink(args);
    }
  }

  #beginRequest(count: number): void {
    if (count > this.#limits.maxArguments) throw new ProtocolError('Protocol error: invalid multibulk length');
    this.#args = [];
    this.#argsMissing = count;
    this.#requestBytes = 0;
  }

  #beginBulk(length: number): void {
    if (length < 0 || length > this.#limits.maxBulkBytes) throw new ProtocolError('Protocol error: invalid bulk length');
    this.#requestBytes += length;
    if (this.#requestBytes > this.#limits.maxRequestBytes) throw new ProtocolError('Protocol error: too big request');
    this.#bulkLength = length;
    this.#bulkMissing = length + 2;
  }

  #readBulk(chunk: Buffer, at: number, sink: (args: string[]) => void): number {
    const available = chunk.length - at;
    if (available < this.#bulkMissing) {
      this.#pieces.push(chunk.subarray(at));
      this.#bulkMissing -= available;
      return chunk.length;
    }
    const end = at + this.#bulkMissing;
    if (this.#pieces.length === 0) {
      this.#args.push(chunk.toString('latin1', at, at + this.#bulkLength));
    } else {
      this.#pieces.push(chunk.subarray(at, end));
      this.#args.push(Buffer.concat(this.#pieces).toString('latin1', 0, this.#bulkLength));
      this.#pieces = [];
    }
    this.#bulkLength = -1;
    this.#argsMissing -= 1;
    if (this.#argsMissing === 0) this.#finish(sink);
    return end;
  }

  #finish(sink: (args: string[]) => void): void {
    const args = this.#args;
    this.#args = [];
    if (args.length > 0) sink(args);
  }

  #tooLong(): string {
    if (this.#argsMissing > 0) return 'Protocol error: too big bulk count string';
    return this.#line[0] === '*' ? 'Protocol error: too big mbulk count string' : 'Protocol error: too big inline request';
  }
}

function readLength(line: string, message: string): number {
  if (!/^.-?\d{1,18}$/.test(line)) throw new ProtocolError(message);
  return Number(line.slice(1));
}

/** Splits an inline request as redis-cli users type it: blanks, "double" quotes with escapes, 'single' quotes. Null when a quote is open. */
export function splitInline(line: string): string[] | null {
  const args: string[] = [];
  let at = 0;
  while (at < line.length) {
    if (/\s/.test(line[at]!)) {
      at += 1;
      continue;
    }
    const read = readInlineWord(line, at);
    if (read === null) return null;
    args.push(read.word);
    at = read.end;
  }
  return args;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

function readInlineWord(line: string, from: number): { word: string; end: number } | null {
  let word = '';
  let quote = '';
  let at = from;
  for (; at < line.length; at += 1) {
    const char = line[at]!;
    if (quote === '' && /\s/.test(char)) break;
    if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === quote && quote !== '') {
      const after = line[at + 1];
      if (after !== undefined && !/\s/.test(after)) return null;
      quote = '';
    } else if (quote === '"' && char === '\\' && at + 1 < line.length) {
      const hex = /^x([0-9a-fA-F]{2})/.exec(line.slice(at + 1, at + 4));
      if (hex) {
        word += String.fromCharCode(Number.parseInt(hex[1]!, 16));
        at += 3;
      } else {
        at += 1;
        word += escapes[line[at]!] ?? line[at]!;
      }
    } else if (quote === "'" && char === '\\' && line[at + 1] === "'") {
      at += 1;
      word += "'";
    } else word += char;
  }
  return quote === '' ? { word, end: at } : null;
}
