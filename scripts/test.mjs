// npm test: installs what is missing, builds, checks types, style and dependencies, then runs every suite. Arguments go to vitest:
// npm test -- --project unit. Ends with `N passed, N failed`, where each check counts as one. With CI=true a suite that cannot run has failed,
// unless it is for want of what a machine may well be without. --no-checks in front runs the suites alone.

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ensureInstalled, ROOT, say } from './ensure-installed.mjs';
import { oldNodePath, providePrerequisites } from './prerequisites.mjs';
import { runTool } from './run-tool.mjs';
import { unavailableTests } from './test-requirements.mjs';

const RESULTS = join(ROOT, '.cache/test-results.json');
const CHECKS = [
  ['types of the tests', 'tsc', ['-p', 'tsconfig.test.json']],
  ['format and lint', 'biome', ['check', '--diagnostic-level=warn', '--error-on-warnings', '.']],
  ['promises and exhaustiveness', 'oxlint', ['--type-aware', '--deny-warnings']],
  ['dependency edges and cycles', 'depcruise', ['--config', '.dependency-cruiser.mjs', 'packages']],
  ['generated documents', 'node', ['--conditions=@celeriac/source', 'scripts/generate-docs.ts', '--check']],
];

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  say(error.message);
  say('0 passed, 1 failed');
  process.exitCode = 1;
}

async function main(args) {
  const started = Date.now();
  const checked = args[0] !== '--no-checks';
  const vitestArgs = checked ? args : args.slice(1);
  const env = await ensureInstalled();
  const { missing, optional } = await providePrerequisites(env);
  const unavailable = unavailableTests(missing);
  const due = unavailableTests(new Map([...missing].filter(([need]) => !optional.has(need))));
  for (const [file, reasons] of unavailable) console.log(`CANNOT RUN ${file}: ${reasons.join('; ')}`);

  let [passed, failed] = [0, 0];
  const note = (title, code, output) => {
    if (code === 0) passed++;
    else failed++;
    console.log(`${code === 0 ? 'ok' : 'FAILED'}: ${title}${code === 0 ? '' : `\n${output.trim()}`}`);
  };
  if (checked) {
    note('build', ...(await collect('turbo', ['run', 'build', '--output-logs=errors-only', '--log-prefix=none'], env)));
    await Promise.all(CHECKS.map(async ([title, command, given]) => note(title, ...(await collect(command, given, env)))));
  }

  const tests = await runVitest(vitestArgs, unavailable, { ...env, CELERIAC_NODE_22: oldNodePath });
  passed += tests.passed;
  failed += tests.failed;
  if (process.env.CI === 'true') failed += due.size;
  // once more and in short, as the log of a whole run is long
  for (const line of tests.failures) console.log(line);
  const skipped = tests.skipped > 0 ? `${tests.skipped} skipped, ` : '';
  const cannot = unavailable.size > 0 ? `${unavailable.size} test files could not run (listed above), ` : '';
  console.log(`${skipped}${cannot}${Math.round((Date.now() - started) / 1000)} s`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function runVitest(args, unavailable, env) {
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  rmSync(RESULTS, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${RESULTS}`];
  const none = unavailable.size > 0 ? ['--passWithNoTests'] : [];
  const code = await runTool('vitest', ['run', ...reporters, ...none, ...args], {
    cwd: ROOT,
    env: { ...env, CELERIAC_TEST_UNAVAILABLE: [...unavailable.keys()].join(',') },
  });
  let results;
  try {
    results = JSON.parse(readFileSync(RESULTS, 'utf8'));
  } catch {
    say('vitest ended without results.');
    return { passed: 0, failed: 1, skipped: 0, failures: [] };
  }
  // a file that cannot be imported, an unhandled rejection or a process left behind has no failing test of its own
  const brokenFiles = results.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const failures = results.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map((test) => `FAILED: ${relative(ROOT, name)} > ${test.fullName}: ${firstLine(test.failureMessages[0])}`),
  );
  for (const { name, message } of brokenFiles) failures.push(`FAILED: ${relative(ROOT, name)}: ${firstLine(message)}`);
  let failed = results.numFailedTests + brokenFiles.length;
  if (failed === 0 && code !== 0) failed = 1;
  return { passed: results.numPassedTests, failed, skipped: results.numPendingTests + results.numTodoTests, failures };
}

function firstLine(text) {
  return (text ?? '').split('\n', 1)[0].slice(0, 300);
}

function collect(command, args, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve([code ?? 1, output]));
  });
}
