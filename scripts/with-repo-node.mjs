// with-repo-node.mjs COMMAND [ARGUMENT...]: runs a tool of node_modules/.bin under the repository's own Node, after installing it if needed.

import { ensureInstalled, ROOT, say } from './ensure-installed.mjs';
import { runTool } from './run-tool.mjs';

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  say('usage: with-repo-node.mjs COMMAND [ARGUMENT...]');
  process.exit(2);
}
try {
  process.exitCode = await runTool(command, args, { cwd: ROOT, env: await ensureInstalled() });
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
