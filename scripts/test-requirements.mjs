// Which test file needs which prerequisite, read from what it imports, so that a file cannot forget to say so.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { ROOT } from './ensure-installed.mjs';

/** A rig below test/ and what it needs. */
const RIGS = new Map([
  ['test/brokers/redis.ts', 'redis'],
  ['test/brokers/rabbitmq-node.ts', 'rabbitmq'],
  ['test/python/venv.ts', 'celery57'],
  ['test/node-22.ts', 'node22'],
  ['test/kubernetes/control-plane.ts', 'kubernetes'],
  ['test/chart/helm.ts', 'helm'],
  ['test/cluster/chart-rig.ts', 'helm'],
  ['test/monitoring/prometheus.ts', 'prometheus'],
  ['test/monitoring/promtool.ts', 'prometheus'],
  ['test/one-node/cluster.ts', 'one-node'],
]);
const PEERS = ['celery56', 'flower', 'exporter'];

/** Maps every test file that cannot run to the reasons, given what is missing. */
export function unavailableTests(missing) {
  const result = new Map();
  if (missing.size === 0) return result;
  for (const file of testFiles()) {
    const reasons = [...needsOf(file)].filter((need) => missing.has(need)).map((need) => missing.get(need));
    if (reasons.length > 0) result.set(relative(ROOT, file), [...new Set(reasons)]);
  }
  return result;
}

function needsOf(file) {
  const needs = new Set();
  const seen = new Set();
  const visit = (path) => {
    if (seen.has(path)) return;
    seen.add(path);
    const rig = RIGS.get(relative(ROOT, path));
    if (rig !== undefined) needs.add(rig);
    let source;
    try {
      source = readFileSync(path, 'utf8');
    } catch {
      return;
    }
    for (const [, target] of source.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+\.ts)'/g)) visit(resolve(dirname(path), target));
  };
  visit(file);
  const own = readFileSync(file, 'utf8');
  if (needs.has('celery57')) for (const peer of PEERS) if (own.includes(`'${peer}'`)) needs.add(peer);
  if (/\btls: true/.test(own)) needs.add('openssl');
  return needs;
}

function testFiles() {
  const folders = [join(ROOT, 'test'), ...readdirSync(join(ROOT, 'packages')).map((name) => join(ROOT, 'packages', name, 'test'))];
  return folders.flatMap((folder) => {
    try {
      return readdirSync(folder, { recursive: true })
        .filter((name) => name.endsWith('.test.ts'))
        .map((name) => join(folder, name));
    } catch {
      return [];
    }
  });
}
