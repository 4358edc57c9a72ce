import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@celeriac/brokers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { letTimePass, until } from '../../../../test/until.ts';
import { followUrlFile, readUrlFile } from '../../src/broker/url-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'celeriac-url-file-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const NEVER_MS = 3_600_000;

function following(file: string, url: string, pollMs: number) {
  const urls: string[] = [];
  const log: string[] = [];
  const logger = { ...silentLogger, warn: (fields: Readonly<Record<string, unknown>>) => void log.push(String(fields['err'])) };
  const followed = followUrlFile({ file, url, pollMs, logger, onUrl: (next) => urls.push(next) });
  return { urls, log, [Symbol.dispose]: () => followed.close() };
}

/** Writes into a pipe, once somebody reads from it. */
async function openToWrite(pipe: string): Promise<number> {
  return until(
    () => {
      try {
        return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
      } catch {
        return 0;
      }
    },
    { what: 'a reader of the pipe' },
  );
}

/** As a kubelet does it (AtomicWriter): the file is a link through `..data`, which is swapped by renaming another link over it. */
function mount(version: number, url: string): void {
  const payload = `..2026_11_21_13_00_0${version}`;
  mkdirSync(join(folder, payload));
  writeFileSync(join(folder, payload, 'url'), `${url}\n`);
  symlinkSync(payload, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  if (version === 1) symlinkSync(join('..data', 'url'), join(folder, 'url'));
}

describe('a file that holds the broker URL', () => {
  it('is followed through the links of a mounted Secret, without waiting for the poll', async () => {
    mount(1, 'redis://one');
    const file = join(folder, 'url');
    expect(await readUrlFile(file)).toBe('redis://one');
    using seen = following(file, 'redis://one', NEVER_MS);
    mount(2, 'redis://two');
    await until(() => seen.urls.length === 1, { what: 'the new URL' });
    mount(3, 'redis://two');
    mount(4, 'redis://three');
    await until(() => seen.urls.length === 2, { what: 'the next URL' });
    expect(seen.urls).toEqual(['redis://two', 'redis://three']);
  });

  it('is read again where nothing tells of a change', async () => {
    // A change behind a link that leads out of the folder is no event in the folder.
    const elsewhere = mkdtempSync(join(tmpdir(), 'celeriac-url-file-'));
    writeFileSync(join(elsewhere, 'url'), 'redis://one');
    symlinkSync(join(elsewhere, 'url'), join(folder, 'url'));
    using seen = following(join(folder, 'url'), 'redis://one', 50);
    writeFileSync(join(elsewhere, 'url'), 'redis://two');
    await until(() => seen.urls.length === 1, { what: 'the new URL' });
    rmSync(elsewhere, { recursive: true });
  });

  it('that is gone or empty for a while changes nothing, and is told once', async () => {
    const file = join(folder, 'url');
    writeFileSync(file, 'redis://one');
    using seen = following(file, 'redis://one', 20);
    unlinkSync(file);
    await until(() => seen.log.length === 1, { what: 'a complaint' });
    writeFileSync(file, '\n');
    await until(() => seen.log.length === 2, { what: 'another complaint' });
    writeFileSync(file, ' redis://two \n');
    await until(() => seen.urls.length === 1, { what: 'the new URL' });
    expect(seen.urls).toEqual(['redis://two']);
    expect(seen.log).toHaveLength(2);
    expect(seen.log.every((line) => line.includes('CELERIAC_E_CONFIG'))).toBe(true);
  });

  it('is never taken for what it was when it was read slowly', async () => {
    const [file, pipe] = [join(folder, 'url'), join(folder, 'pipe')];
    execFileSync('mkfifo', [pipe]);
    writeFileSync(join(folder, 'new'), 'redis://new');
    using seen = following(file, 'redis://one', NEVER_MS);
    symlinkSync(pipe, file);
    const slow = await openToWrite(pipe);
    symlinkSync(join(folder, 'new'), join(folder, 'next'));
    renameSync(join(folder, 'next'), file);
    await letTimePass(300, 'a second look beside the first would be over before it');
    writeSync(slow, 'redis://old');
    closeSync(slow);
    await until(() => seen.urls.length === 2, { what: 'both looks' });
    expect(seen.urls).toEqual(['redis://old', 'redis://new']);
  });

  it('that cannot be read at the start is an error of the configuration', async () => {
    await expect(readUrlFile(join(folder, 'none'))).rejects.toMatchObject({ code: 'CELERIAC_E_CONFIG' });
  });
});
