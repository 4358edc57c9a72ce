import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/**
 * Runs a program in the foreground and resolves with its exit code (128 + signal when it was ended by one). SIGTERM and SIGHUP are passed
 * on; Ctrl-C reaches the program from the terminal by itself, and this process waits for what the program makes of it.
 */
export function runTool(command, args, { cwd, env, stdio = 'inherit' }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio });
    const pass = (signal) => child.kill(signal);
    const wait = () => {};
    process.on('SIGINT', wait).on('SIGTERM', pass).on('SIGHUP', pass);
    const release = () => process.off('SIGINT', wait).off('SIGTERM', pass).off('SIGHUP', pass);
    child.once('error', (cause) => {
      release();
      reject(new Error(`${command} cannot be started: ${cause.message}`, { cause }));
    });
    child.once('close', (code, signal) => {
      release();
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}
