import { fileURLToPath } from 'node:url';
import { isModulePath } from '../../tasks/load-modules.ts';
import type { ChildConfig } from './child-config.ts';
import type { ChildPermission, ChildSecrets, PreforkSettings } from './prefork-options.ts';

/** How to start a child. */
export interface ChildCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** Options of Node that change how user code loads or runs, and that a child therefore shares with its parent. */
const SHARED_FLAG =
  /^(?:-C|-r|--(?:conditions|require|import|loader|experimental-(?!permission|test)[a-z-]+|no-experimental-[a-z-]+|enable-source-maps|max-old-space-size|max-semi-space-size|stack-size|stack-trace-limit|expose-gc|preserve-symlinks|no-warnings|disable-warning|no-deprecation|icu-data-dir|dns-result-order|use-openssl-ca|use-system-ca|tls-[a-z0-9.-]+|disable-proto|openssl-[a-z-]+))(?:=|$)/;
/** Those of them whose value may be the next word. */
const TAKES_WORD = /^(?:-C|-r|--(?:conditions|require|import|loader|experimental-loader|disable-warning))$/;

const SOURCE_CONDITION = '--conditions=@celeriac/source';

/** The options of this process that its children get too; debuggers, test runners and scripts given by `-e` are not shared. */
export function sharedFlags(execArgv: readonly string[]): readonly string[] {
  const shared: string[] = [];
  for (let at = 0; at < execArgv.length; at += 1) {
    const word = execArgv[at] as string;
    const takesNext = TAKES_WORD.test(word);
    if (SHARED_FLAG.test(word)) shared.push(word, ...(takesNext ? execArgv.slice(at + 1, at + 2) : []));
    if (takesNext) at += 1;
  }
  return shared;
}

/** The environment without what holds a secret. */
export function withoutSecrets(env: Readonly<Record<string, string | undefined>>, secrets: ChildSecrets): Record<string, string> {
  const values = secrets.values.filter((value) => value !== '');
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || secrets.names.includes(name)) continue;
    if (!values.some((secret) => value.includes(secret))) kept[name] = value;
  }
  return kept;
}

function permissionFlags(permission: ChildPermission): readonly string[] {
  return [
    '--permission',
    ...permission.allowFsRead.map((path) => `--allow-fs-read=${path}`),
    ...(permission.allowFsWrite ?? []).map((path) => `--allow-fs-write=${path}`),
    ...(permission.allowChildProcess === true ? ['--allow-child-process'] : []),
    ...(permission.allowWorker === true ? ['--allow-worker'] : []),
    ...(permission.allowAddons === true ? ['--allow-addons'] : []),
  ];
}

/** The command line of a child. `here` is the URL of this package's code: its `.ts` or `.js` entry is run, as the parent itself is. */
export function childCommand(settings: PreforkSettings, execPath: string, execArgv: readonly string[], here: string): ChildCommand {
  const fromSource = here.endsWith('.ts');
  const entry = fileURLToPath(new URL(fromSource ? './child-entry.ts' : './child-entry.js', here));
  const flags = [...sharedFlags(execArgv)];
  if (fromSource && !flags.includes(SOURCE_CONDITION)) flags.push(SOURCE_CONDITION);
  if (!settings.modules.every((module) => isModulePath(module, settings.cwd))) flags.push('--experimental-import-meta-resolve');
  if (settings.permission !== undefined) flags.push(...permissionFlags(settings.permission));
  const config: ChildConfig = {
    modules: settings.modules,
    cwd: settings.cwd,
    voidMs: settings.voidMs,
    maxMemoryKib: settings.maxMemoryPerChildKib,
    maxResultBytes: settings.maxResultBytes,
  };
  return {
    file: execPath,
    args: [...flags, entry, JSON.stringify(config)],
    env: withoutSecrets(settings.env, settings.secrets),
    cwd: settings.cwd,
  };
}
