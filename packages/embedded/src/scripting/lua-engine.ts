import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Reply } from '../server/reply.ts';
import { encodeProperties, redisProperties } from './engine-properties.ts';
import { EngineMemory, type ScriptEnd, sizeOfReply } from './reply-codec.ts';
import { withMemory } from './wasm-memory.ts';
import { type WasmMemory, webAssembly } from './web-assembly.ts';

/** Where scripts reach the keys. */
export interface ScriptHost {
  call(args: readonly string[]): Reply;
  setResp(version: number): void;
}

interface EngineExports {
  readonly memory: WasmMemory;
  readonly alloc: (bytes: number) => number;
  readonly free_mem: (at: number) => void;
  readonly set_limits: (fuel: number, replyBytes: number, argumentBytes: number) => void;
  readonly set_compat: (flags: number) => void;
  readonly init: () => number;
  readonly eval: (result: number, script: number, length: number) => void;
}

type GlueFactory = (options: Record<string, unknown>) => Promise<unknown>;

const MEMORY_BYTES = 256 * 1024 * 1024;
/** Instructions of one script: about a second. */
const FUEL = 200_000_000;
/** Distance of the read-only mark from the start of a table. */
const READONLY_OFFSET = 8;
const MOST_COMPILED = 500;

/** Runs the script named by the host, compiled before. The job comes from the host by an empty `redis.call()`. */
const RUN = "local j = redis.call() return (getmetatable('')[j[1]](j[2], j[3]))";
/** Compiles a script, first as it is for its own error, then into a function, and keeps that where only this file reaches it. */
const COMPILE =
  "local j = redis.call() local f, e = loadstring(j[2], '@user_script') if not f then return redis.error_reply(e) end " +
  "f, e = loadstring('return function(KEYS, ARGV, ...) ' .. j[2] .. '\\nend', '@user_script') " +
  "if not f then return redis.error_reply(e) end getmetatable('')[j[1]] = f() return 1";
const FORGET = "local m = getmetatable('') for k in pairs(m) do if #k == 40 then m[k] = nil end end return 1";
const FIND_TABLE = "return tostring(getmetatable(''))";

/**
 * Redis' Lua as the package lua-redis-wasm brings it, driven through its binary interface. The package itself compiles a
 * script at each run; here a compiled function stays in the metatable of strings, which is unlocked for that moment.
 */
export class LuaEngine {
  readonly #exports: EngineExports;
  readonly #memory: EngineMemory;
  readonly #host: ScriptHost;
  readonly #result: number;
  readonly #run: { at: number; length: number };
  readonly #compiled = new Set<string>();
  #table = 0;
  /** What the next empty `redis.call()` answers. */
  #job: Reply | undefined;
  /** False after an abort of the engine itself; it must be loaded anew. */
  alive = true;

  private constructor(exports: EngineExports, memory: EngineMemory, host: ScriptHost) {
    this.#exports = exports;
    this.#memory = memory;
    this.#host = host;
    this.#result = exports.alloc(8);
    this.#run = this.#place(RUN);
  }

  /** Loads the WebAssembly module: about 30 ms. */
  static async load(host: ScriptHost): Promise<LuaEngine> {
    const { LuaWasmModule } = await import('lua-redis-wasm');
    const module = withMemory(await readFile(new URL(LuaWasmModule.defaultWasmPath())), MEMORY_BYTES);
    const { default: glue } = (await import(LuaWasmModule.defaultModulePath())) as { default: GlueFactory };
    let engine: LuaEngine | undefined;
    let memory: EngineMemory | undefined;
    let exports: EngineExports | undefined;
    const call = (result: number, at: number): void => engine!.#answer(result, memory!.readArguments(at));
    const imports = {
      host_redis_call: call,
      host_redis_pcall: call,
      host_redis_log: () => undefined,
      host_redis_setresp: (version: number) => host.setResp(version),
      host_sha1hex: (result: number, at: number, length: number) => {
        const digest = createHash('sha1')
          .update(memory!.bytes.subarray(at, at + length))
          .digest('hex');
        give(exports!, memory!, result, digest.length, (target) => memory!.bytes.write(digest, target, 'latin1'));
      },
      host_redis_props: (result: number) => {
        const blob = encodeProperties(redisProperties);
        give(exports!, memory!, result, blob.length, (target) => blob.copy(memory!.bytes, target));
      },
    };
    await glue({
      wasmBinary: module,
      locateFile: (file: string) => file,
      instantiateWasm: (wanted: { env: Record<string, unknown> }, done: (instance: unknown, module: unknown) => void) => {
        // without room the engine says so to the script instead of aborting
        const env = { ...wanted.env, ...imports, emscripten_resize_heap: () => 0 };
        void webAssembly.instantiate(module, { env, wasi_snapshot_preview1: env }).then((loaded) => {
          exports = loaded.instance.exports as EngineExports;
          memory = new EngineMemory(exports.memory);
          done(loaded.instance, loaded.module);
        });
        return {};
      },
    });
    exports!.set_limits(FUEL, 0, 0);
    exports!.set_compat(0);
    if (exports!.init() !== 0) throw new Error('the script engine did not start');
    engine = new LuaEngine(exports!, memory!, host);
    engine.#findTable();
    return engine;
  }

  /** Compiles a script; answers the error or undefined. */
  compile(sha: string, source: string): string | undefined {
    if (this.#compiled.has(sha)) return undefined;
    if (this.#compiled.size >= MOST_COMPILED) this.forget();
    this.#job = [sha, source];
    const end = this.#unlocked(() => this.#evaluate(this.#place(COMPILE)));
    if ('aborted' in end) return end.aborted;
    if (end.reply !== null && typeof end.reply === 'object' && 'error' in end.reply) return end.reply.error;
    this.#compiled.add(sha);
    return undefined;
  }

  /** Runs a compiled script. */
  run(sha: string, keys: readonly string[], argv: readonly string[]): ScriptEnd {
    this.#job = [sha, keys, argv];
    return this.#evaluate(this.#run);
  }

  /** Drops every compiled script. */
  forget(): void {
    this.#unlocked(() => this.#evaluate(this.#place(FORGET)));
    this.#compiled.clear();
  }

  #findTable(): void {
    const end = this.#evaluate(this.#place(FIND_TABLE));
    const address = 'reply' in end && typeof end.reply === 'string' ? /^table: 0x([0-9a-f]+)$/.exec(end.reply) : null;
    const table = address === null ? 0 : Number.parseInt(address[1]!, 16);
    if (table === 0 || this.#memory.word(table + READONLY_OFFSET) !== 1) {
      throw new Error('this build of lua-redis-wasm keeps its tables in another shape than 1.5.0 does');
    }
    this.#table = table;
  }

  #unlocked(step: () => ScriptEnd): ScriptEnd {
    this.#memory.setWord(this.#table + READONLY_OFFSET, 0);
    try {
      return step();
    } finally {
      this.#memory.setWord(this.#table + READONLY_OFFSET, 1);
    }
  }

  #place(script: string): { at: number; length: number } {
    const at = this.#exports.alloc(script.length);
    if (at === 0) throw this.#exhausted();
    this.#memory.bytes.write(script, at, 'latin1');
    return { at, length: script.length };
  }

  #evaluate(script: { at: number; length: number }): ScriptEnd {
    try {
      this.#exports.eval(this.#result, script.at, script.length);
      const at = this.#memory.word(this.#result);
      const end = this.#memory.readEnd(at, at === 0 ? 0 : this.#memory.word(this.#result + 4));
      this.#exports.free_mem(at);
      // the engine frees nothing once it is full
      if ('aborted' in end && end.aborted.includes('not enough memory')) this.alive = false;
      if (script !== this.#run) this.#exports.free_mem(script.at);
      return end;
    } catch (error) {
      this.alive = false;
      const reason = error instanceof RangeError ? 'nested too deeply' : 'out of memory';
      return { aborted: `script engine stopped: ${reason}`, line: 0 };
    } finally {
      this.#job = undefined;
    }
  }

  #answer(result: number, args: readonly string[]): void {
    let reply: Reply;
    if (args.length === 0 && this.#job !== undefined) {
      reply = this.#job;
      this.#job = undefined;
    } else reply = this.#host.call(args);
    give(this.#exports, this.#memory, result, sizeOfReply(reply), (target) => this.#memory.write(reply, target));
  }

  #exhausted(): Error {
    this.alive = false;
    return new Error('the script engine is out of memory');
  }
}

/** Allocates, fills and hands over a piece of the engine's memory; the engine frees it. */
function give(exports: EngineExports, memory: EngineMemory, result: number, length: number, fill: (at: number) => unknown): void {
  const at = exports.alloc(length);
  if (at === 0) throw new Error('the script engine is out of memory');
  fill(at);
  memory.setWord(result, at);
  memory.setWord(result + 4, length);
}
