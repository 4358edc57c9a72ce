// node production-tree.mjs OUT [--without PACKAGE]...
//
// Lays out what the `celeriac` package needs at run time, found by walking its dependencies as Node resolves them, in two trees to be
// copied to the root of an image: OUT/dependencies/node_modules (what changes with the lock) and OUT/celeriac/node_modules (our packages).
// Type declarations, TypeScript sources and source maps stay behind. All times are SOURCE_DATE_EPOCH (default 0), all files readable by anyone.

import { chmodSync, cpSync, existsSync, lutimesSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { without: { type: 'string', multiple: true, default: [] }, root: { type: 'string', default: '.' } },
});
if (positionals.length !== 1) throw new Error('usage: production-tree.mjs OUT [--root REPOSITORY] [--without PACKAGE]...');
const root = resolve(values.root);
const out = resolve(positionals[0]);

const describe = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** Where Node finds a package from a folder, by its real path; undefined if nowhere in the repository. */
function find(name, from) {
  for (let at = from; at.startsWith(root); at = dirname(at)) {
    const folder = join(at, 'node_modules', name);
    if (existsSync(join(folder, 'package.json'))) return realpathSync(folder);
  }
  return undefined;
}

/** Real paths of the package's and all its dependencies' folders. */
function walk(start, without) {
  const seen = new Set();
  const visit = (folder) => {
    if (seen.has(folder)) return;
    seen.add(folder);
    const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = describe(folder);
    for (const name of Object.keys({ ...peerDependencies, ...optionalDependencies, ...dependencies })) {
      // declarations only
      if (name.startsWith('@types/') || without.includes(name)) continue;
      const found = find(name, folder);
      if (found !== undefined) visit(found);
      else if (name in dependencies && !(name in optionalDependencies)) throw new Error(`${name}, which ${folder} needs, is not installed`);
    }
  };
  visit(start);
  return [...seen];
}

const ours = (folder) => !relative(root, folder).startsWith('node_modules');

/** `node_modules/…` in the image: a workspace's folder becomes one below node_modules, and what is installed below it moves along. */
function placeOf(folder) {
  const path = relative(root, folder);
  const [, workspace, rest] = /^(packages\/[^/]+)(.*)$/.exec(path) ?? [];
  return workspace === undefined ? path : join('node_modules', describe(join(root, workspace)).name, rest);
}

const dead = /\.([cm]?ts|map|tsbuildinfo)$/;

function copy(folder, tree) {
  const to = join(tree, placeOf(folder));
  const published = ours(folder) && !folder.includes('/node_modules/');
  // npm publishes these whatever `files` says
  const entries = published ? [...describe(folder).files, 'package.json'] : readdirSync(folder);
  for (const entry of entries) {
    if (entry === 'node_modules') continue;
    cpSync(join(folder, entry), join(to, entry), {
      recursive: true,
      filter: (file) => !dead.test(file) && basename(file) !== 'node_modules',
    });
  }
  if (published) cpSync(join(root, 'LICENSE'), join(to, 'LICENSE'));
}

/** Depth first, so that writing below a folder does not change its time again. */
function settle(path, seconds) {
  const stat = statSync(path);
  if (stat.isDirectory()) {
    for (const name of readdirSync(path).toSorted()) settle(join(path, name), seconds);
    if (readdirSync(path).length === 0) return rmSync(path, { recursive: true });
  }
  chmodSync(path, stat.isDirectory() || (stat.mode & 0o111) !== 0 ? 0o755 : 0o644);
  lutimesSync(path, seconds, seconds);
}

const trees = { dependencies: join(out, 'dependencies'), celeriac: join(out, 'celeriac') };
for (const tree of Object.values(trees)) mkdirSync(join(tree, 'node_modules'), { recursive: true });
const start = find('celeriac', root);
if (start === undefined) throw new Error(`no package celeriac in ${root}`);
for (const folder of walk(start, values.without)) {
  const own = ours(folder) && !folder.includes('/node_modules/');
  copy(folder, own ? trees.celeriac : trees.dependencies);
}
for (const tree of Object.values(trees)) settle(tree, Number(process.env.SOURCE_DATE_EPOCH ?? 0));
