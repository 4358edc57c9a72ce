import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '@celeriac/brokers';
import { CeleriacError } from '@celeriac/protocol';

/** Follows a file that holds one line, such as a mounted Secret. */
export interface UrlFile {
  close(): void;
}

const POLL_MS = 10_000;
/** Whoever writes a file in two steps is given time for the second. */
const SETTLE_MS = 50;

/** What the file holds, without white space around it. Rejects with CELERIAC_E_CONFIG where it cannot be read or is empty. */
export async function readUrlFile(file: string): Promise<string> {
  let text: string;
  try {
    text = (await readFile(file, 'utf8')).trim();
  } catch (error) {
    throw new CeleriacError('CELERIAC_E_CONFIG', `cannot read the broker URL from ${file}: ${(error as Error).message}`, { cause: error });
  }
  if (text === '') throw new CeleriacError('CELERIAC_E_CONFIG', `the file of the broker URL is empty: ${file}`);
  return text;
}

/**
 * Calls back with what the file holds whenever that is something else than before. A kubelet never writes into a mounted Secret: it swaps
 * a symbolic link beside it (`..data`), so the folder is watched; every ten seconds the file is read all the same, since not every file
 * system tells. What cannot be read changes nothing and is logged once.
 */
export function followUrlFile(options: {
  readonly file: string;
  /** What it held before. */
  readonly url: string;
  readonly onUrl: (url: string) => void;
  readonly logger: Logger;
  /** Default 10,000. */
  readonly pollMs?: number;
}): UrlFile {
  const { file, onUrl, logger, pollMs = POLL_MS } = options;
  let last = options.url;
  let toldOf = '';
  let closed = false;
  let settling: NodeJS.Timeout | undefined;
  let looking = false;
  let again = false;

  const read = async (): Promise<void> => {
    try {
      const url = await readUrlFile(file);
      toldOf = '';
      if (url === last || closed) return;
      last = url;
      onUrl(url);
    } catch (error) {
      const text = (error as Error).message;
      if (text !== toldOf) logger.warn({ err: error }, 'going on with the broker URL as it was');
      toldOf = text;
    }
  };
  // One at a time: of two, the first may be the last to end, with what the file held before.
  const look = async (): Promise<void> => {
    again = true;
    if (looking) return;
    looking = true;
    while (again && !closed) {
      again = false;
      await read();
    }
    looking = false;
  };
  const soon = (): void => {
    clearTimeout(settling);
    settling = setTimeout(() => void look(), SETTLE_MS);
  };
  const poll = setInterval(() => void look(), pollMs);
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(dirname(file), soon);
    watcher.on('error', (error) => logger.debug({ err: error }, 'the folder of the broker URL is not watched any more, only read'));
  } catch (error) {
    logger.debug({ err: error }, 'the folder of the broker URL cannot be watched, only read');
  }
  return {
    close() {
      closed = true;
      clearTimeout(settling);
      clearInterval(poll);
      watcher?.close();
    },
  };
}
