// Python code as the other side of a test: a script that runs once, or a process that answers requests line by line.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { spawnProcess } from '../spawned-process.ts';
import { type PythonPeerName, pythonPeer } from './venv.ts';

export interface ScriptOptions {
  /** Default `celery57`. */
  readonly peer?: PythonPeerName;
  /** `sys.argv[1:]`. */
  readonly args?: readonly string[];
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory and first place for imports, for example a CeleryWorker's `dir`. Default: a folder of its own. */
  readonly cwd?: string;
  /** Default 100,000. */
  readonly timeoutMs?: number;
}

/** Runs Python source and returns what it printed to standard output; rejects with everything it printed when it fails. */
export async function runPython(source: string, options: ScriptOptions = {}): Promise<string> {
  const { command, folder, remove } = await prepare(source, options);
  const script = spawnProcess(command.program, command.args, { cwd: options.cwd ?? folder, env: command.env });
  let stdout = '';
  script.child.stdout?.on('data', (chunk: string) => {
    stdout += chunk;
  });
  script.child.stdin?.end();
  const timer = setTimeout(() => void script.kill(), options.timeoutMs ?? 100_000);
  const end = await script.ended;
  clearTimeout(timer);
  remove();
  if (end.code !== 0) throw new Error(`the Python script ended with ${end.code ?? end.signal}:\n${script.output()}`);
  return stdout;
}

/** Like `runPython`; the last line printed must be JSON and is returned parsed. */
export async function runPythonJson(source: string, options: ScriptOptions = {}): Promise<unknown> {
  const printed = (await runPython(source, options)).trim();
  return JSON.parse(printed.slice(printed.lastIndexOf('\n') + 1));
}

export interface PythonResponder {
  /** Sends a JSON value to `handle(request)` and resolves with what it returned; rejects with its traceback. Answers come in order. */
  ask(request: unknown): Promise<unknown>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a process whose source defines `handle(request)`, called with each parsed request; what it returns must be JSON. */
export async function startPythonResponder(source: string, options: ScriptOptions = {}): Promise<PythonResponder> {
  const { command, folder, remove } = await prepare(`${source}\n${RESPONDER_LOOP}`, options);
  const responder = spawnProcess(command.program, command.args, { cwd: options.cwd ?? folder, env: command.env });
  const waiting: { resolve(value: unknown): void; reject(error: Error): void }[] = [];
  if (responder.child.stdout !== null) {
    createInterface({ input: responder.child.stdout }).on('line', (line) => {
      if (!line.startsWith('\u0001')) return; // what the source prints itself
      const answer = JSON.parse(line.slice(1)) as { value?: unknown; error?: string };
      const asker = waiting.shift();
      if (answer.error === undefined) asker?.resolve(answer.value);
      else asker?.reject(new Error(answer.error));
    });
  }
  void responder.ended.then((end) => {
    remove();
    for (const asker of waiting.splice(0)) asker.reject(new Error(`Python ended with ${end.code ?? end.signal}:\n${responder.output()}`));
  });
  const stop = async (): Promise<void> => {
    responder.child.stdin?.end();
    await responder.stop(5_000);
  };
  return {
    ask: (request) =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        responder.child.stdin?.write(`${JSON.stringify(request)}\n`);
      }),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

const RESPONDER_LOOP = `
def _respond():
    import json, sys, traceback
    for line in sys.stdin:
        try:
            answer = {'value': handle(json.loads(line))}
            text = json.dumps(answer)
        except BaseException:
            text = json.dumps({'error': traceback.format_exc()})
        sys.stdout.write('\\x01' + text + '\\n')
        sys.stdout.flush()

_respond()
`;

interface Prepared {
  readonly command: { readonly program: string; readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> };
  readonly folder: string;
  remove(): void;
}

async function prepare(source: string, options: ScriptOptions): Promise<Prepared> {
  const peer = await pythonPeer(options.peer ?? 'celery57');
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-script-'));
  const file = join(folder, 'script.py');
  writeFileSync(file, source);
  const path = options.cwd === undefined ? {} : { PYTHONPATH: options.cwd };
  return {
    command: { program: peer.python, args: [file, ...(options.args ?? [])], env: { ...peer.env, ...path, ...options.env } },
    folder,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
