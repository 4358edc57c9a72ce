import { mkdirSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';

/** Below the ports that the system gives to outgoing connections. */
const FIRST = 20_000;
const COUNT = 12_000;
const claimed = new Set<number>();

/** A loopback port that was free a moment ago, and that nobody else of this test run gets: a server that was killed can have it again. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < COUNT; attempt++) {
    const port = FIRST + Math.floor(Math.random() * COUNT);
    if (claim(port) && (await canListen(port))) return port;
  }
  throw new Error(`no free port from ${FIRST} to ${FIRST + COUNT - 1}`);
}

function claim(port: number): boolean {
  if (claimed.has(port)) return false;
  claimed.add(port);
  const runFolder = process.env['CELERIAC_TEST_RUN_DIR'];
  if (runFolder === undefined) return true;
  mkdirSync(join(runFolder, 'ports'), { recursive: true });
  try {
    writeFileSync(join(runFolder, 'ports', String(port)), String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Whether something accepts connections on the loopback port. */
export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
