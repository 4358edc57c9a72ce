import { createTransport, type QuarantineEntry, type Transport } from '@celeriac/brokers';
import { CeleriacError } from '@celeriac/protocol';
import type { Command } from 'commander';
import { addBrokerOptions, brokerOptionsOf, brokerUrlOf, type ConnectionOptions } from '../connection-options.ts';
import { addOutputOption, type OutputOption, print } from '../output.ts';

interface QuarantineOptions extends ConnectionOptions, OutputOption {
  readonly queue: string;
}

async function withTransport(options: ConnectionOptions, act: (transport: Transport) => Promise<void>): Promise<void> {
  const transport = await createTransport({ url: brokerUrlOf(options), transportOptions: brokerOptionsOf(options) });
  try {
    await act(transport);
  } finally {
    await transport.close();
  }
}

function lineOf(entry: QuarantineEntry): string {
  const when = new Date(entry.quarantinedAtMs).toISOString();
  return `${entry.key}  ${when}  ${entry.taskName ?? '-'}[${entry.taskId ?? '-'}]  ${entry.code}: ${entry.reason}`;
}

function missing(queue: string, key: string): CeleriacError {
  return new CeleriacError(
    'CELERIAC_E_BROKER',
    `${queue}.quarantine has no entry ${key}; celeriac quarantine list -Q ${queue} shows the keys`,
  );
}

async function list(options: QuarantineOptions & { readonly limit: string }): Promise<void> {
  await withTransport(options, async (transport) => {
    const entries = await transport.quarantine.list(options.queue, Number(options.limit));
    print(options.output, entries, entries.length === 0 ? `${options.queue}.quarantine is empty` : entries.map(lineOf).join('\n'));
  });
}

async function show(key: string, options: QuarantineOptions): Promise<void> {
  await withTransport(options, async (transport) => {
    const found = await transport.quarantine.show(options.queue, key);
    if (found === undefined) throw missing(options.queue, key);
    const original = Buffer.from(found.original).toString('utf8');
    print(options.output, { ...found.entry, original }, `${lineOf(found.entry)}\n${original}`);
  });
}

async function settle(
  verb: 'retry' | 'drop',
  keys: readonly string[],
  options: QuarantineOptions & { readonly all?: boolean },
): Promise<void> {
  await withTransport(options, async (transport) => {
    const listed = options.all === true ? await transport.quarantine.list(options.queue, 10_000) : [];
    const chosen = options.all === true ? listed.map((entry) => entry.key) : keys;
    if (chosen.length === 0 && options.all !== true)
      throw new CeleriacError('CELERIAC_E_ARGUMENTS', `name the keys to ${verb}, or give --all`);
    for (const key of chosen) {
      if (!(await transport.quarantine[verb](options.queue, key))) throw missing(options.queue, key);
    }
    const done = verb === 'retry' ? 'put back' : 'dropped';
    print(options.output, { [verb]: chosen }, `${chosen.length} ${done}`);
  });
}

/** `celeriac quarantine list|show|retry|drop -Q QUEUE` */
export function configure(command: Command): void {
  const add = (name: string, summary: string): Command =>
    addOutputOption(addBrokerOptions(command.command(name).description(summary))).requiredOption(
      '-Q, --queue <name>',
      'queue the messages came from',
    );
  add('list', 'what is in <queue>.quarantine, and why').option('--limit <number>', 'at most this many', '100').action(list);
  add('show', 'one entry with its whole original message').argument('<key>').action(show);
  for (const verb of ['retry', 'drop'] as const) {
    add(verb, verb === 'retry' ? 'put entries back into their queue' : 'delete entries')
      .argument('[keys...]')
      .option('--all', 'every entry')
      .action((keys: readonly string[], options: QuarantineOptions & { readonly all?: boolean }) => settle(verb, keys, options));
  }
}
