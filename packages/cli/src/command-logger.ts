import type { Logger } from '@celeriac/brokers';

/**
 * The log of a long-running command, on standard error: lines of JSON, or text for people where that is a terminal.
 * @param name the command, as a field of every line
 */
export async function commandLogger(name: string, level: 'debug' | 'info' | 'warn' | 'error'): Promise<Logger> {
  const { pino, stdTimeFunctions, destination } = await import('pino');
  const settings = {
    level,
    base: { pid: process.pid, command: name },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  // Wrapped, since pino's own type has overloads that no interface of ours should depend on.
  if (process.stderr.isTTY !== true) return loggerOf(pino(settings, destination({ dest: 2, sync: false, minLength: 0 })));
  const { default: pretty } = await import('pino-pretty');
  return loggerOf(pino(settings, pretty({ destination: 2, sync: true, ignore: 'pid,command', translateTime: 'SYS:HH:MM:ss.l' })));
}

function loggerOf(logger: Logger): Logger {
  return logger;
}
