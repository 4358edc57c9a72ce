import { closeSync, fdatasync, fsyncSync, ftruncateSync, openSync, renameSync, writeSync } from 'node:fs';
import { encodeReply } from '../server/reply.ts';

/** How often the log is forced to the disk. Until then it is the system's: safe from the end of this process, not of the machine. */
const SYNC_INTERVAL_MS = 1_000;

export interface AppendLogOptions {
  readonly path: string;
  /** Where the log stops being whole: what lies behind is cut off. */
  readonly validBytes: number;
  /** Commands that make the present keys. */
  readonly snapshot: () => Iterable<readonly [database: number, args: readonly string[]]>;
  readonly onError: (error: unknown) => void;
  /** Smallest log that is rewritten, in bytes. */
  readonly rewriteAboveBytes?: number;
}

const REWRITE_ABOVE_BYTES = 32 * 1024 * 1024;
const PIECE_CHARS = 1024 * 1024;

/**
 * Every write as the command that repeats it, in Redis' own append-only format. `write` hands what was recorded to the
 * system before a reply leaves; once a second it is synced; when the log has doubled since the last time it is replaced
 * by the commands that make the present keys.
 */
export class AppendLog {
  readonly #options: AppendLogOptions;
  #file: number;
  #size: number;
  #sizeAfterRewrite: number;
  #database = -1;
  #pending = '';
  #failure: string | undefined;
  #rewriteWanted = false;
  #group: string[] | undefined;
  #dirty = false;
  #syncing = false;
  #timer: NodeJS.Timeout;

  constructor(options: AppendLogOptions) {
    this.#options = options;
    this.#file = openSync(options.path, 'a+', 0o600);
    ftruncateSync(this.#file, options.validBytes);
    this.#size = options.validBytes;
    this.#sizeAfterRewrite = options.validBytes;
    this.#timer = setInterval(() => this.#sync(), SYNC_INTERVAL_MS);
    this.#timer.unref();
  }

  /** Why the last write failed; undefined when it did not. */
  get failure(): string | undefined {
    return this.#failure;
  }

  record(database: number, args: readonly string[]): void {
    const lines = this.#encode(database, args);
    if (this.#group === undefined) this.#pending += lines;
    else this.#group.push(lines);
  }

  /** What `step` records is replayed as one step or not at all. */
  together<T>(step: () => T): T {
    if (this.#group !== undefined) return step();
    this.#group = [];
    try {
      return step();
    } finally {
      const group = this.#group;
      this.#group = undefined;
      if (group.length > 1) this.#pending += encodeReply(['MULTI'], 2) + group.join('') + encodeReply(['EXEC'], 2);
      else this.#pending += group.join('');
    }
  }

  /** Hands everything recorded to the system. */
  write(): void {
    if (this.#pending !== '') this.#append();
    const limit = Math.max(this.#sizeAfterRewrite * 2, this.#options.rewriteAboveBytes ?? REWRITE_ABOVE_BYTES);
    if (this.#rewriteWanted || this.#size > limit) this.#rewrite();
  }

  /** Has the log rewritten at the next `write`. */
  requestRewrite(): void {
    this.#rewriteWanted = true;
  }

  #append(): void {
    const bytes = Buffer.from(this.#pending, 'latin1');
    try {
      writeAll(this.#file, bytes);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#pending = '';
    this.#failure = undefined;
    this.#size += bytes.length;
    this.#dirty = true;
  }

  /** Writes the present keys into a new file and puts it in the log's place. Without room for it the log goes on growing. */
  #rewrite(): void {
    this.#rewriteWanted = false;
    const path = `${this.#options.path}.rewrite`;
    let file: number | undefined;
    try {
      file = openSync(path, 'w', 0o600);
      const size = this.#writeSnapshot(file);
      renameSync(path, this.#options.path);
      closeSync(this.#file);
      this.#file = file;
      this.#pending = '';
      this.#size = size;
    } catch (error) {
      if (file !== undefined) closeSync(file);
      this.#database = -1;
      this.#options.onError(error);
    }
    this.#sizeAfterRewrite = this.#size;
  }

  /** Answers the size of what it wrote. */
  #writeSnapshot(file: number): number {
    let size = 0;
    let piece = '';
    this.#database = -1;
    const flush = (): void => {
      const bytes = Buffer.from(piece, 'latin1');
      writeAll(file, bytes);
      size += bytes.length;
      piece = '';
    };
    for (const [database, args] of this.#options.snapshot()) {
      piece += this.#encode(database, args);
      if (piece.length > PIECE_CHARS) flush();
    }
    flush();
    fsyncSync(file);
    return size;
  }

  close(): void {
    clearInterval(this.#timer);
    this.write();
    fsyncSync(this.#file);
    closeSync(this.#file);
  }

  /** Keeps what could not be written for the next time, and the file whole. */
  #fail(error: unknown): void {
    if (this.#failure === undefined) this.#options.onError(error);
    this.#failure = error instanceof Error ? error.message : String(error);
    try {
      ftruncateSync(this.#file, this.#size);
    } catch {
      // the next start cuts off what is not whole
    }
  }

  #encode(database: number, args: readonly string[]): string {
    const select = database === this.#database ? '' : encodeReply(['SELECT', String(database)], 2);
    this.#database = database;
    return select + encodeReply(args, 2);
  }

  #sync(): void {
    if (!this.#dirty || this.#syncing) return;
    this.#dirty = false;
    this.#syncing = true;
    fdatasync(this.#file, (error) => {
      this.#syncing = false;
      if (error && error.code !== 'EBADF') this.#options.onError(error);
    });
  }
}

function writeAll(file: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
}
