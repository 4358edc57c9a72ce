// npm start: install if needed, build, then the whole system on this machine. Arguments go to the demo: npm start -- --once

import { ensureInstalled, ROOT, say } from './ensure-installed.mjs';
import { runTool } from './run-tool.mjs';

/** The demo, run under the repository's Node. */
const DEMO = ['examples/index-files/demo.ts'];

try {
  const env = await ensureInstalled();
  const built = await runTool('turbo', ['run', 'build', '--output-logs=errors-only', '--log-prefix=none', '--no-update-notifier'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', process.stderr, process.stderr],
  });
  if (built !== 0) throw new Error('The build failed; what it said is above.');
  process.exitCode = await runTool('node', [...DEMO, ...process.argv.slice(2)], { cwd: ROOT, env });
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
