import { type Call, type Command, type Core, keysOf, NO_REPLY } from '../commands/command.ts';
import { findCommand } from '../commands/table.ts';
import type { Client } from './client.ts';
import { CommandError, QUEUED, type Reply } from './reply.ts';

/** Bytes one connection may queue between MULTI and EXEC. */
const MOST_QUEUED_BYTES = 512 * 1024 * 1024;
const OOM = "OOM command not allowed when used memory > 'maxmemory'.";

export interface ExecutorHooks {
  onUnexpected(error: unknown, command: string): void;
}

/** Runs requests: the checks, the transaction queue, then the command's own handler. */
export class Executor {
  readonly #core: Core;
  readonly #hooks: ExecutorHooks;
  /** Id of the connection whose command runs; 0 = none. */
  writerId = 0;

  constructor(core: Core, hooks: ExecutorHooks) {
    this.#core = core;
    this.#hooks = hooks;
  }

  /** Whether the request runs a script, so that the engine must be there first. */
  needsScripts(client: Client, args: readonly string[]): boolean {
    const command = findCommand(args[0]!);
    if (command === undefined) return false;
    if (command.name === 'EXEC') return client.transaction?.queue.some((each) => findCommand(each[0]!)?.flags.includes('script')) ?? false;
    return client.transaction === undefined && command.flags.includes('script');
  }

  /** Runs one request of a connection and appends its reply. */
  run(client: Client, args: readonly string[]): void {
    client.lastCommand = args[0]!;
    const skip = client.replyMode === 'skip';
    this.writerId = client.id;
    const reply = this.#answer(client, args);
    this.writerId = 0;
    if (reply === NO_REPLY) return;
    if (client.replyMode === 'on') client.send(reply);
    else if (skip) client.replyMode = 'on';
  }

  /** Runs a command inside a transaction or a script, or one that has passed the checks of `run`. */
  invoke(call: Call, args: readonly string[]): Reply {
    const reply = this.#invoke(call, args);
    return reply === NO_REPLY ? null : reply;
  }

  #answer(client: Client, args: readonly string[]): Reply | typeof NO_REPLY {
    const command = findCommand(args[0]!);
    const refusal = checkWords(command, args);
    if (refusal !== undefined || command === undefined) {
      if (client.transaction) client.transaction.failed = true;
      return { error: refusal ?? '' };
    }
    if (client.isSubscribed && client.resp === 2 && !command.flags.includes('subscribed')) {
      return {
        error: `ERR Can't execute '${args[0]!.toLowerCase()}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
      };
    }
    if (client.transaction && !command.flags.includes('immediate')) return this.#queue(client, command, args);
    const call: Call = { core: this.#core, client, database: client.database, resp: client.resp, within: 'nothing' };
    return this.#invoke(call, args);
  }

  #queue(client: Client, command: Command, args: readonly string[]): Reply {
    const transaction = client.transaction!;
    for (const arg of args) transaction.bytes += arg.length + 16;
    if (transaction.bytes > MOST_QUEUED_BYTES || (command.flags.includes('denyoom') && this.#isFull())) {
      transaction.failed = true;
      return { error: OOM };
    }
    transaction.queue.push([...args]);
    return QUEUED;
  }

  #invoke(call: Call, args: readonly string[]): Reply | typeof NO_REPLY {
    const { core } = call;
    const command = findCommand(args[0]!);
    const refusal = checkWords(command, args) ?? (command === undefined ? undefined : this.#refusal(call, command));
    if (refusal !== undefined || command === undefined) return { error: refusal ?? '' };
    core.counters.commands += 1;
    core.counters.byCommand.set(command.name, (core.counters.byCommand.get(command.name) ?? 0) + 1);
    const changesBefore = core.keyspace.changes;
    let reply: Reply | typeof NO_REPLY;
    try {
      reply = command.handler(call, args);
    } catch (error) {
      if (error instanceof CommandError) reply = { error: error.message };
      else {
        this.#hooks.onUnexpected(error, command.name);
        reply = { error: `ERR internal error in '${command.name.toLowerCase()}'` };
      }
    }
    if (command.flags.includes('readonly')) this.#track(call, command, args);
    else if (core.keyspace.changes !== changesBefore && command.flags.includes('write')) {
      for (const effect of call.effects ?? [args]) core.record(call.database, effect);
    }
    return reply;
  }

  #refusal(call: Call, command: Command): string | undefined {
    const { flags } = command;
    const { core } = call;
    if (call.within === 'script') {
      if (flags.includes('noscript')) return 'ERR This Redis command is not allowed from script';
      if (call.readOnly && flags.includes('write')) return 'ERR Write commands are not allowed from read-only scripts.';
    }
    const failure = flags.includes('write') ? core.logFailure() : undefined;
    if (failure !== undefined) return `MISCONF Errors writing to the append-only file: ${failure}`;
    return flags.includes('denyoom') && call.fromLog !== true && this.#isFull() ? OOM : undefined;
  }

  #isFull(): boolean {
    const { facts, keyspace } = this.#core;
    return facts.maxMemoryBytes > 0 && keyspace.usedBytes > facts.maxMemoryBytes;
  }

  #track({ client }: Call, command: Command, args: readonly string[]): void {
    const mode = this.#core.tracked.modeOf(client.id);
    if (mode === undefined || mode.broadcast) return;
    const wished = client.cachingNext ?? mode.opt !== 'in';
    client.cachingNext = undefined;
    if (wished) for (const key of keysOf(command, args)) this.#core.tracked.remember(client.id, key);
  }
}

function checkWords(command: Command | undefined, args: readonly string[]): string | undefined {
  if (command === undefined) {
    const shown = args.slice(1, 4).map((arg) => `'${arg.slice(0, 64)}' `);
    return `ERR unknown command '${args[0]!.slice(0, 128)}', with args beginning with: ${shown.join('')}`;
  }
  const fits = command.arity >= 0 ? args.length === command.arity : args.length >= -command.arity;
  return fits ? undefined : `ERR wrong number of arguments for '${command.name.toLowerCase()}' command`;
}
