// What the tests need beyond npm packages: servers by apt, Python environments, an older Node. Each is installed when it is missing and
// that is possible; what cannot be had comes back with the reason.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { npm, ROOT, say } from './ensure-installed.mjs';

const OLD_NODE_VERSION = '22.18.0';
const OLD_NODE = join(ROOT, '.cache/node22');
const PYTHON_PEERS = ['celery57', 'celery56', 'flower', 'exporter'];
const HELM_PROGRAMS = ['helm3', 'helm4', 'kubeconform', 'promtool'];
const POLICY = '/usr/sbin/policy-rc.d';

/** Debian's package and a file or program that tells whether it is there. */
const PROGRAMS = [
  { need: 'redis', debian: 'redis-server', there: () => runs('redis-server', ['--version']) },
  {
    need: 'rabbitmq',
    debian: 'rabbitmq-server',
    there: () => existsSync('/usr/lib/rabbitmq/bin/rabbitmq-server') && runs('erl', ['-version']),
  },
  { need: 'openssl', debian: 'openssl', there: () => runs('openssl', ['version']) },
  { need: 'prometheus', debian: 'prometheus', there: () => runs('prometheus', ['--version']) },
  { need: 'python', debian: 'python3-venv', there: () => runs('python3', ['-c', 'import venv, ensurepip']) },
];

/** Path of the Node 22 that one test leg runs on. */
export const oldNodePath = join(OLD_NODE, 'node_modules/.bin/node');

/**
 * Installs what is missing. Returns a map from the name of a prerequisite that cannot be had to the reason, and which of these a machine
 * may well be without.
 */
export async function providePrerequisites(env) {
  const missing = new Map();
  const optional = new Set();
  const wanted = PROGRAMS.filter((program) => !program.there());
  if (wanted.length > 0) {
    const problem = aptInstall(wanted.map((program) => program.debian));
    for (const program of wanted) {
      if (!program.there())
        missing.set(program.need, `${program.debian} is not installed and could not be: ${problem ?? 'apt-get did not bring it'}`);
    }
  }
  const [python, oldNode] = await Promise.all([preparePython(missing.get('python'), env), prepareOldNode()]);
  for (const [name, reason] of python) missing.set(name, reason);
  if (oldNode !== undefined) missing.set('node22', oldNode);
  const kubernetes = findKubernetes(env);
  for (const [name, found] of Object.entries({ kubernetes, helm: findHelm(kubernetes), 'one-node': findOneNode(env) })) {
    if (found.missing !== undefined) missing.set(name, found.missing);
    if (found.optional) optional.add(name);
  }
  return { missing, optional };
}

/** The programs of a Kubernetes control plane are used where they are; nothing installs them. */
function findKubernetes(env) {
  return answerOf('test/kubernetes/print-assets.ts', env);
}

/** The programs the chart is tested with lie beside them, or nothing installs them either. */
function findHelm({ folder, missing, optional }) {
  if (folder === undefined) return { missing, optional };
  const absent = HELM_PROGRAMS.filter((name) => !existsSync(join(folder, name)));
  return absent.length === 0 ? {} : { missing: `no ${absent.join(', no ')} in ${folder}`, optional: true };
}

/** What a one-node cluster needs besides them is installed. */
function findOneNode(env) {
  const found = answerOf('test/one-node/print-why-not.ts', env);
  if (found.missing === undefined || !(found.packages?.length > 0)) return found;
  const problem = aptInstall(found.packages);
  return problem === undefined ? answerOf('test/one-node/print-why-not.ts', env) : { ...found, missing: `${found.missing}: ${problem}` };
}

/** What a script of the tests prints: one line of JSON. */
function answerOf(script, env) {
  const { stdout, stderr, error } = spawnSync('node', [script], { cwd: ROOT, env, encoding: 'utf8' });
  try {
    return JSON.parse(stdout);
  } catch {
    return { missing: `${script}: ${error?.message ?? lastLine(stderr)}`, optional: false };
  }
}

function aptInstall(packages) {
  if (process.platform !== 'linux' || !runs('apt-get', ['--version'])) return 'there is no apt-get on this machine';
  if (process.getuid?.() !== 0) return `it needs root: apt-get install ${packages.join(' ')}`;
  say(`Installing ${packages.join(', ')} with apt-get ...`);
  // the tests start their own servers; without this policy Debian starts one on the standard port of machines with an init
  const ownPolicy = !existsSync(POLICY);
  if (ownPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
      const { status, stderr, error } = spawnSync('apt-get', ['-q', ...args], { env, encoding: 'utf8', maxBuffer: 64 << 20 });
      if (status !== 0) return `apt-get ${args[0]}: ${error?.message ?? lastLine(stderr)}`;
    }
    return undefined;
  } finally {
    if (ownPolicy) rmSync(POLICY, { force: true });
  }
}

/** Resolves with the Python peers that cannot be had and why. */
function preparePython(problem, env) {
  if (problem !== undefined) return PYTHON_PEERS.map((name) => [name, problem]);
  const child = spawn('node', ['test/python/prepare-venvs.ts'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    say(line);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      const told = (name) => lines.find((line) => line.startsWith(`python ${name}: `)) ?? `python ${name}: nothing was said of it`;
      const missing = PYTHON_PEERS.filter((name) => !lines.includes(`python ${name}: ready`));
      resolve(missing.map((name) => [name, told(name).replace(`python ${name}: `, 'Python environment ')]));
    });
  });
}

async function prepareOldNode() {
  const version = () => spawnSync(oldNodePath, ['-v'], { encoding: 'utf8' }).stdout?.trim();
  if (version() === `v${OLD_NODE_VERSION}`) return undefined;
  try {
    await npm(
      ['install', '--prefix', OLD_NODE, '--no-save', '--fetch-retries=1', `node@${OLD_NODE_VERSION}`],
      `npm install node@${OLD_NODE_VERSION}`,
    );
  } catch (error) {
    const told = error.message.split('\n').find((line) => /^npm error (?!code|errno|A complete log)/.test(line));
    return `Node ${OLD_NODE_VERSION} could not be installed: ${told ?? lastLine(error.message)}`;
  }
  return version() === `v${OLD_NODE_VERSION}` ? undefined : `npm installed node@${OLD_NODE_VERSION}, but its program does not run`;
}

function runs(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function lastLine(text) {
  return text.trim().split('\n').at(-1) ?? '';
}
