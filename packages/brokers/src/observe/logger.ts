/** Where Celeriac's libraries write log lines; pino fits as it is. Fields first, then the text. */
export interface Logger {
  debug(fields: Readonly<Record<string, unknown>>, text: string): void;
  info(fields: Readonly<Record<string, unknown>>, text: string): void;
  warn(fields: Readonly<Record<string, unknown>>, text: string): void;
  error(fields: Readonly<Record<string, unknown>>, text: string): void;
}

/** A logger that writes nothing: the default of every library entry point. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
