import { InvalidArgumentError } from 'commander';

/** Names with commas between them, at least one. */
export function names(value: string): readonly string[] {
  const found = value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (found.length === 0) throw new InvalidArgumentError('at least one name is needed');
  return found;
}

/** Makes the reader of a whole number from 1 to `most`. */
export function countUpTo(most: number = Number.MAX_SAFE_INTEGER): (value: string) => number {
  const range = most === Number.MAX_SAFE_INTEGER ? 'from 1' : `from 1 to ${most}`;
  return (value) => {
    const number = Number(value);
    if (!/^\d+$/.test(value) || number < 1 || number > most) throw new InvalidArgumentError(`a whole number ${range} is needed`);
    return number;
  };
}

/** A number of seconds above 0; fractions are allowed. */
export function seconds(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number) || number <= 0)
    throw new InvalidArgumentError('a number of seconds above 0 is needed');
  return number;
}

/** Where to listen: `HOST:PORT`; `[::1]:PORT`; `:PORT` for every IPv4 address; `PORT` for 127.0.0.1. */
export function listenAddress(value: string): { readonly host: string; readonly port: number } {
  const found = /^(?:(?:\[(?<six>[^\]]+)\]|(?<host>[^:]*)):)?(?<port>\d{1,5})$/.exec(value);
  const port = Number(found?.groups?.port);
  if (found === null || port > 65_535) throw new InvalidArgumentError('HOST:PORT is needed, for example 0.0.0.0:8081');
  const { six, host } = found.groups ?? {};
  if (host === '*') throw new InvalidArgumentError('write 0.0.0.0 or [::] for every address');
  if (six === undefined && host === undefined) return { host: '127.0.0.1', port };
  return { host: six ?? (host === '' ? '0.0.0.0' : (host ?? '')), port };
}
