// Runs before node_modules exists, under whatever Node the machine has: installs the development dependencies when they are missing or
// older than package-lock.json, and makes sure that the repository's own Node can be used.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
export const BIN = join(ROOT, 'node_modules', '.bin');
const LEAST_NODE = [22, 18];

/** Installs what is missing. Returns the environment in which `node` is the repository's own. */
export async function ensureInstalled() {
  const reason = whyInstall();
  if (reason !== undefined) await install(reason);
  let version = repoNodeVersion();
  if (version === undefined) {
    say('The package "node" has no program yet: running its install script ...');
    await npm(['rebuild', 'node', '--foreground-scripts'], 'rebuilding node');
    version = repoNodeVersion();
  }
  if (version === undefined) {
    if (isRecent(process.version)) {
      say(`node_modules/.bin/node does not run; using the installed Node ${process.version} instead.`);
    } else {
      throw new Error(
        [
          `node_modules/.bin/node does not run, and the installed Node ${process.version} is older than ${LEAST_NODE.join('.')}.`,
          'The npm package "node" fetches its program in an install script; package.json allows that one by "allowScripts".',
          'Look whether scripts are off (npm config get ignore-scripts), then: npm install --ignore-scripts=false',
        ].join('\n'),
      );
    }
  }
  return repoEnvironment();
}

/** The environment of the tools: node_modules/.bin first, no telemetry. */
export function repoEnvironment() {
  return { ...process.env, PATH: `${BIN}${delimiter}${process.env.PATH ?? ''}`, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };
}

/** Runs npm in the repository with a line that says for how long. Rejects when it fails. */
export async function npm(args, title, cwd = ROOT) {
  const cli = process.env.npm_execpath;
  const [command, first] = cli?.endsWith('.js') || cli?.endsWith('.cjs') ? [process.execPath, [cli]] : ['npm', []];
  const started = Date.now();
  const child = spawn(command, [...first, ...args, '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const seconds = () => Math.round((Date.now() - started) / 1000);
  const tty = process.stderr.isTTY;
  const ticker = setInterval(
    () => process.stderr.write(tty ? `\r${title} ... ${seconds()} s` : `${title} ... ${seconds()} s\n`),
    tty ? 500 : 10_000,
  );
  const code = await new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', done);
  }).finally(() => {
    clearInterval(ticker);
    if (tty) process.stderr.write('\r\u001b[K');
  });
  if (code !== 0) throw new Error(`npm ${args.join(' ')} failed after ${seconds()} s:\n${output.trim()}`);
  say(`${title}: done in ${seconds()} s.`);
}

export function say(text) {
  process.stderr.write(`${text}\n`);
}

function install(reason) {
  say(`Installing the development dependencies with npm, because ${reason}. About 450 MB; half a minute with a warm npm cache.`);
  // not `npm ci`: it refuses a lock that was made where other platforms' binaries are not served
  return npm(['install'], 'npm install');
}

/** Why an install is needed, or undefined. Compares the lock with what npm wrote down of its last install. */
function whyInstall() {
  const installed = readJson('node_modules/.package-lock.json')?.packages;
  if (installed === undefined) return 'node_modules is not there';
  const locked = readJson('package-lock.json')?.packages ?? {};
  for (const [folder, entry] of Object.entries(locked)) {
    if (folder === '' || entry.link) continue;
    if (!folder.includes('node_modules/')) {
      const changed = differing(readJson(join(folder, 'package.json')) ?? {}, entry);
      if (changed !== undefined) return `${folder}/package.json asks for another ${changed} than package-lock.json`;
      continue;
    }
    const here = installed[folder];
    if (here === undefined) {
      if (!entry.optional && !entry.peer && !entry.devOptional) return `${folder.replace('node_modules/', '')} is missing`;
    } else if (here.version !== entry.version) {
      return `${folder.replace('node_modules/', '')} is ${here.version} instead of ${entry.version}`;
    }
  }
  const changed = differing(readJson('package.json') ?? {}, locked[''] ?? {});
  return changed === undefined ? undefined : `package.json asks for another ${changed} than package-lock.json`;
}

function differing(manifest, entry) {
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    const names = new Set([...Object.keys(manifest[kind] ?? {}), ...Object.keys(entry[kind] ?? {})]);
    for (const name of names) if (manifest[kind]?.[name] !== entry[kind]?.[name]) return name;
  }
  return undefined;
}

function readJson(path) {
  const file = join(ROOT, path);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

function repoNodeVersion() {
  const probe = spawnSync(join(BIN, 'node'), ['-v'], { encoding: 'utf8' });
  const version = probe.status === 0 ? probe.stdout.trim() : undefined;
  return version !== undefined && isRecent(version) ? version : undefined;
}

function isRecent(version) {
  const [major = 0, minor = 0] = version.replace('v', '').split('.').map(Number);
  return major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  ensureInstalled().catch((error) => {
    say(error.message);
    process.exitCode = 1;
  });
}
