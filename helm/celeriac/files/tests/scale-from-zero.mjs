// `helm test`: a pool at zero gets one task, comes up, answers, and goes back to zero. It ends with 1 and the last thing seen where something
// fails; the pod's own deadline ends it where something never comes.
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

const { POOL: pool = '', SERVER: server = '', CALL: call = '[]', BACK_TO_ZERO: backToZero = 'true' } = process.env;

/** Runs the command with these arguments; resolves with what it printed. */
function celeriac(args) {
  const child = spawn('celeriac', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(text) : reject(new Error(`celeriac ${args[0]} ended with ${code}`))));
  });
}

/** Asks the leader until the pool is as wanted, and prints each change. */
async function until(what, isSo) {
  let last = '';
  for (;;) {
    const { pools } = JSON.parse(await celeriac(['pools', '--server', server, '--output', 'json']).catch(() => '{"pools":[]}'));
    const seen = pools.find((candidate) => candidate.pool === pool);
    const line = seen === undefined ? `${server} says nothing of pool ${pool} yet` : `${seen.replicas} replicas, ${seen.text}`;
    if (line !== last) console.log(`${new Date().toISOString()} until ${what}: ${line}`);
    last = line;
    if (seen !== undefined && isSo(seen)) return;
    await pause(500);
  }
}

const isAtZero = ({ replicas, leaving, stuck }) => replicas + leaving + stuck === 0;
await until('at zero', isAtZero);
const answer = celeriac(JSON.parse(call));
await until('up', ({ replicas }) => replicas > 0);
// The result, or the task's id where there is no result backend.
console.log(`answer: ${(await answer).trim()}`);
if (backToZero === 'true') await until('back at zero', isAtZero);
console.log(`pool ${pool} came up from zero${backToZero === 'true' ? ' and went back' : ''}`);
