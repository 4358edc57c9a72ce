import { createHash } from 'node:crypto';
import type { Call, Scripts } from '../commands/command.ts';
import { CommandError, isFailure, type Reply, type RespVersion } from '../server/reply.ts';
import { LuaEngine } from './lua-engine.ts';
import { asResp2, type ScriptEnd } from './reply-codec.ts';

/** How many scripts that only EVAL has named are remembered. */
const MOST_EVALUATED = 500;

/** A script in the middle of its run. */
interface Running {
  readonly call: Call;
  readonly readOnly: boolean;
  resp: RespVersion;
}

/** Scripts by their SHA-1, and the engine, which is loaded when the first one is to run. */
export class ScriptRunner implements Scripts {
  readonly #loaded = new Map<string, string>();
  readonly #evaluated = new Map<string, string>();
  #engine: LuaEngine | undefined;
  #loading: Promise<void> | undefined;
  #running: Running | undefined;

  get isReady(): boolean {
    return this.#engine?.alive === true;
  }

  /** Loads the engine once; later calls wait for the same. */
  async ready(): Promise<void> {
    if (this.isReady) return;
    this.#loading ??= this.#loadEngine().finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  has(sha: string): boolean {
    return this.#loaded.has(sha) || this.#evaluated.has(sha);
  }

  /** `SCRIPT LOAD`: answers the SHA-1. @throws CommandError when it does not compile. */
  load(source: string): string {
    const sha = this.remember(source, true);
    try {
      this.#compile(sha, source);
    } catch (error) {
      this.#loaded.delete(sha);
      throw error;
    }
    return sha;
  }

  remember(source: string, keep: boolean): string {
    const sha = createHash('sha1').update(source, 'latin1').digest('hex');
    if (keep) this.#loaded.set(sha, source);
    else if (!this.#loaded.has(sha)) {
      this.#evaluated.delete(sha);
      this.#evaluated.set(sha, source);
      if (this.#evaluated.size > MOST_EVALUATED) this.#evaluated.delete(this.#evaluated.keys().next().value!);
    }
    return sha;
  }

  flush(): void {
    this.#loaded.clear();
    this.#evaluated.clear();
    this.#engine?.forget();
  }

  /** Runs a remembered script as one step. @throws CommandError NOSCRIPT, or what aborted the script. */
  run(call: Call, sha: string, keys: readonly string[], argv: readonly string[], readOnly: boolean): Reply {
    const source = this.#loaded.get(sha) ?? this.#evaluated.get(sha);
    if (source === undefined) throw new CommandError('NOSCRIPT No matching script. Please use EVAL.');
    if (!this.isReady) throw new CommandError('ERR the script engine has stopped in this transaction; send it again');
    this.#compile(sha, source);
    this.#running = { call, readOnly, resp: 2 };
    try {
      const { core } = call;
      const end = core.keyspace.atOneInstant(() => core.recordTogether(() => this.#engine!.run(sha, keys, argv)));
      return finish(end, sha);
    } finally {
      this.#running = undefined;
      call.effects = [];
    }
  }

  #compile(sha: string, source: string): void {
    const failure = this.#engine!.compile(sha, withoutShebang(source));
    if (failure !== undefined) throw new CommandError(`ERR Error compiling script (new function): ${failure.replace(/^ERR /, '')}`);
  }

  async #loadEngine(): Promise<void> {
    this.#engine = await LuaEngine.load({
      call: (args) => this.#call(args),
      setResp: (version) => {
        if (this.#running !== undefined) this.#running.resp = version === 3 ? 3 : 2;
      },
    });
  }

  #call(args: readonly string[]): Reply {
    const running = this.#running;
    if (running === undefined || args.length === 0) {
      return { error: 'ERR Please specify at least one argument for this redis.call() call' };
    }
    const { core, client } = running.call;
    const { database } = running.call;
    const call: Call = { core, client, database, resp: running.resp, within: 'script', ...(running.readOnly ? { readOnly: true } : {}) };
    const reply = core.invoke(call, args);
    return running.resp === 3 ? reply : asResp2(reply);
  }
}

/** A first line such as `#!lua flags=no-writes` names the engine; the line stays, empty, for the line numbers. */
function withoutShebang(source: string): string {
  if (!source.startsWith('#!')) return source;
  const end = source.indexOf('\n');
  const line = end < 0 ? source : source.slice(0, end);
  if (!/^#!lua(\s|$)/.test(line)) throw new CommandError('ERR Could not find scripting engine in the shebang of the script');
  return end < 0 ? '' : source.slice(end);
}

function finish(end: ScriptEnd, sha: string): Reply {
  if ('reply' in end) {
    return end.reply !== null && isFailure(end.reply)
      ? { error: end.reply.error.includes(' ') ? end.reply.error : `ERR ${end.reply.error}` }
      : end.reply;
  }
  const unknownGlobal = /__RLUA_E__:global-read:(\w*)/.exec(end.aborted);
  let message = end.aborted;
  if (unknownGlobal) message = `user_script:${end.line || 1}: Script attempted to access nonexistent global variable '${unknownGlobal[1]}'`;
  else if (message.includes('__RLUA_E__:command-arg-type')) message = 'Lua redis lib command arguments must be strings or integers';
  throw new CommandError(`${withClass(message)} script: ${sha}, on @user_script:${end.line || 1}.`);
}

/** Errors begin with a word in capitals; scripts may leave it out. */
function withClass(message: string): string {
  return /^[A-Z][A-Z0-9_]* /.test(message) ? message : `ERR ${message}`;
}
