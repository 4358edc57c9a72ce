// Makes the virtual environments before the tests run, so that no test's time limit pays for it: node test/python/prepare-venvs.ts [name...]

import { PYTHON_PEERS, type PythonPeerName, pythonPeer } from './venv.ts';

async function prepare(name: PythonPeerName): Promise<void> {
  try {
    await pythonPeer(name);
    console.log(`python ${name}: ready`);
  } catch (error) {
    process.exitCode = 1;
    const told = error as { stderr?: string; message: string };
    const lines = (told.stderr ?? told.message).trim().split('\n');
    console.log(`python ${name}: not available: ${lines.at(-1)}`);
  }
}

const wanted = process.argv.slice(2) as PythonPeerName[];
await Promise.all((wanted.length > 0 ? wanted : PYTHON_PEERS).map(prepare));
