import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Reads `+pid` and `-pid` lines; at the end of its input, which comes when the parent is gone however it went, it kills the process groups that are
 * left. A child in a synchronous loop cannot notice by itself that its parent died.
 */
const SCRIPT = `
groups=' '
while read -r line; do
  case "$line" in
    +*) groups="$groups\${line#+} " ;;
    -*) pid="\${line#-}"; case "$groups" in *" $pid "*) groups="\${groups%% $pid *} \${groups#* $pid }" ;; esac ;;
  esac
done
for pid in $groups; do kill -9 "-$pid" 2>/dev/null; done
`;

/** Pause before a guardian that ended is replaced. */
const RESTART_MS = 200;

const NODE_SCRIPT = `
const groups = new Set(); let rest = '';
process.stdin.setEncoding('utf8').on('data', (text) => {
  const lines = (rest + text).split('\\n'); rest = lines.pop();
  for (const line of lines) line[0] === '+' ? groups.add(Number(line.slice(1))) : groups.delete(Number(line.slice(1)));
}).on('close', () => { for (const pid of groups) try { process.kill(-pid, 'SIGKILL'); } catch {} });
`;

/** One small process that outlives the parent for as long as it takes to end its children. */
export class Guardian {
  readonly #pids: Set<number> = new Set();
  readonly #execPath: string;
  #process: ChildProcess | undefined;
  #useNode = false;
  #closed = false;

  /** `execPath` is the Node to use where there is no shell. */
  constructor(execPath: string) {
    this.#execPath = execPath;
  }

  /** Watches a child that leads its process group. */
  add(pid: number): void {
    this.#pids.add(pid);
    if (this.#process === undefined) this.#start();
    else this.#process.stdin?.write(`+${pid}\n`);
  }

  /** The child is gone, its number may be used again. */
  delete(pid: number): void {
    if (this.#pids.delete(pid)) this.#process?.stdin?.write(`-${pid}\n`);
  }

  /** Ends the guardian; call it when no child is left. */
  close(): void {
    this.#closed = true;
    this.#process?.stdin?.end();
  }

  #start(): void {
    const [file, args] = this.#useNode ? [this.#execPath, ['-e', NODE_SCRIPT]] : ['/bin/sh', ['-c', SCRIPT]];
    const guardian = spawn(file, args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true, env: {} });
    this.#process = guardian;
    const gone = (): void => {
      if (this.#process !== guardian) return;
      this.#process = undefined;
      setTimeout(() => {
        if (!this.#closed && this.#process === undefined && this.#pids.size > 0) this.#start();
      }, RESTART_MS).unref();
    };
    guardian.on('error', () => {
      this.#useNode = true;
      gone();
    });
    guardian.on('exit', gone);
    guardian.stdin?.on('error', () => {});
    guardian.unref();
    for (const pid of this.#pids) guardian.stdin?.write(`+${pid}\n`);
  }
}
