// A bare connection to a Redis-protocol server: what it sends is what the test wrote, what it reads is what came.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A RESP error reply; compared by its text. */
export interface RespError {
  readonly error: string;
}
export interface RespPush {
  readonly push: RespValue[];
}
export type RespValue =
  | null
  | number
  | bigint
  | boolean
  | string
  | RespError
  | RespPush
  | RespValue[]
  | Map<RespValue, RespValue>
  | Set<RespValue>;

interface Parsed {
  readonly value: RespValue;
  readonly end: number;
}

export class RespConnection {
  readonly socket: Socket;
  #buffered = '';
  #at = 0;
  #replies: RespValue[] = [];
  #readers: { readonly resolve: (value: RespValue) => void; readonly reject: (error: Error) => void }[] = [];
  /** How many pieces the system handed over. */
  chunks = 0;
  /** Everything received, undecoded. */
  raw = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => this.#onData(String(chunk)));
    const closed = (): void => {
      for (const reader of this.#readers.splice(0)) reader.reject(new Error('the server closed the connection'));
    };
    socket.on('end', closed).on('close', closed);
  }

  static async open(port: number): Promise<RespConnection> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    await once(socket, 'connect');
    return new RespConnection(socket);
  }

  /** Sends one command and waits for one reply. */
  async call(...args: readonly (string | number)[]): Promise<RespValue> {
    this.write(encode(args));
    return await this.next();
  }

  /** Sends one command and does not wait. */
  send(...args: readonly (string | number)[]): void {
    this.write(encode(args));
  }

  write(bytes: string): void {
    this.socket.write(bytes, 'latin1');
  }

  /** The next reply or push that has not been taken. */
  next(): Promise<RespValue> {
    const ready = this.#replies.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
    });
  }

  async closed(): Promise<void> {
    if (!this.socket.closed && !this.socket.readableEnded) await Promise.race([once(this.socket, 'close'), once(this.socket, 'end')]);
    this.socket.destroy();
  }

  async end(): Promise<void> {
    if (this.socket.destroyed) return;
    this.socket.destroy();
    await once(this.socket, 'close');
  }

  #onData(chunk: string): void {
    this.chunks += 1;
    this.raw += chunk;
    this.#buffered = this.#buffered.slice(this.#at) + chunk;
    this.#at = 0;
    for (let parsed = parse(this.#buffered, 0); parsed !== undefined; parsed = parse(this.#buffered, this.#at)) {
      this.#at = parsed.end;
      const reader = this.#readers.shift();
      if (reader) reader.resolve(parsed.value);
      else this.#replies.push(parsed.value);
    }
  }
}

export function encode(args: readonly (string | number)[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${String(arg).length}\r\n${arg}\r\n`).join('')}`;
}

function parse(text: string, at: number): Parsed | undefined {
  const lineEnd = text.indexOf('\r\n', at);
  if (lineEnd < 0) return undefined;
  const line = text.slice(at + 1, lineEnd);
  const end = lineEnd + 2;
  switch (text[at]) {
    case '+':
      return { value: line, end };
    case '-':
      return { value: { error: line }, end };
    case ':':
      return { value: Number(line), end };
    case '(':
      return { value: BigInt(line), end };
    case ',':
      return { value: Number(line.replace('inf', 'Infinity')), end };
    case '#':
      return { value: line === 't', end };
    case '_':
      return { value: null, end };
    case '$':
    case '=':
      return parseBulk(text, end, Number(line), text[at] === '=' ? 4 : 0);
    default:
      return parseMany(text, end, text[at]!, Number(line));
  }
}

function parseBulk(text: string, at: number, length: number, skip: number): Parsed | undefined {
  if (length < 0) return { value: null, end: at };
  if (text.length < at + length + 2) return undefined;
  return { value: text.slice(at + skip, at + length), end: at + length + 2 };
}

function parseMany(text: string, at: number, kind: string, count: number): Parsed | undefined {
  if (count < 0) return { value: null, end: at };
  const items: RespValue[] = [];
  let end = at;
  for (let left = kind === '%' ? count * 2 : count; left > 0; left -= 1) {
    const item = parse(text, end);
    if (item === undefined) return undefined;
    items.push(item.value);
    end = item.end;
  }
  if (kind === '>') return { value: { push: items }, end };
  if (kind === '~') return { value: new Set(items), end };
  if (kind === '%') return { value: new Map(items.flatMap((key, i) => (i % 2 === 0 ? [[key, items[i + 1]!] as const] : []))), end };
  return { value: items, end };
}
