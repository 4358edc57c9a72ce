import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { JournalRecord } from '@celeriac/autoscaler';
import { CeleriacError } from '@celeriac/protocol';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { addOutputOption, type OutputOption, print } from '../output.ts';

interface Difference {
  readonly line: number;
  readonly seq: number;
  readonly pool: string;
  readonly path: string;
  readonly recorded: unknown;
  readonly now: unknown;
}

async function replayFile(file: string, options: OutputOption): Promise<void> {
  const { replay } = await import('@celeriac/autoscaler');
  const differences: Difference[] = [];
  let records = 0;
  let line = 0;
  try {
    for await (const text of createInterface({ input: createReadStream(file, 'utf8') })) {
      line += 1;
      if (text.trim() === '') continue;
      const record = parse(text, file, line);
      records += 1;
      const answer = replay(record);
      if (answer.kind === 'different') {
        differences.push({ line, seq: record.seq, pool: record.pool, path: answer.path, recorded: answer.recorded, now: answer.now });
      }
    }
  } catch (error) {
    if (error instanceof CeleriacError) throw error;
    throw new CeleriacError('CELERIAC_E_CONFIG', `cannot replay ${file}: ${(error as Error).message}`, { cause: error });
  }
  const lines = differences.map((found) => {
    const was = JSON.stringify(found.recorded);
    return `line ${found.line}, pool ${found.pool}: ${found.path} was ${was}, is now ${JSON.stringify(found.now)}`;
  });
  print(options.output, { records, differences }, [...lines, `${records} records, ${differences.length} decided differently`].join('\n'));
  if (differences.length > 0) process.exitCode = EXIT.failure;
}

function parse(text: string, file: string, line: number): JournalRecord {
  let record: { readonly v?: unknown; readonly type?: unknown } | null;
  try {
    record = JSON.parse(text) as typeof record;
  } catch {
    throw new CeleriacError('CELERIAC_E_CONFIG', `${file} line ${line}: not a line of JSON`);
  }
  if (record === null || typeof record !== 'object')
    throw new CeleriacError('CELERIAC_E_CONFIG', `${file} line ${line}: not a record of a journal`);
  if (record.v === 2 && (record.type === 'decision' || record.type === 'scale-in')) return record as JournalRecord;
  const at = `${file} line ${line}`;
  if (record.v === 1) {
    throw new CeleriacError(
      'CELERIAC_E_CONFIG',
      `${at}: a journal of version 1, which does not say what was ordered, scheduled, granted or held; replay it with the release that wrote it`,
    );
  }
  if (typeof record.v === 'number' && record.v > 2) {
    throw new CeleriacError(
      'CELERIAC_E_CONFIG',
      `${at}: a journal of version ${record.v}, written by a later release; this one reads version 2`,
    );
  }
  throw new CeleriacError('CELERIAC_E_CONFIG', `${at}: not a record of a journal`);
}

/** `celeriac replay FILE` */
export function configure(command: Command): void {
  addOutputOption(command).argument('<file>', 'journal written by celeriac autoscale --journal').action(replayFile);
}
