import { createTransport } from '@celeriac/brokers';
import type { Command } from 'commander';
import { addBrokerOptions, brokerOptionsOf, brokerUrlOf, type ConnectionOptions } from '../connection-options.ts';
import { addOutputOption, type OutputOption, print } from '../output.ts';

interface PurgeOptions extends ConnectionOptions, OutputOption {
  readonly queues: string;
}

async function purge(options: PurgeOptions): Promise<void> {
  const transport = await createTransport({ url: brokerUrlOf(options), transportOptions: brokerOptionsOf(options) });
  try {
    const purged: Record<string, number> = {};
    for (const name of options.queues.split(',').map((word) => word.trim())) purged[name] = await transport.queues.purge(name);
    const lines = Object.entries(purged).map(([name, count]) => `${name}: ${count} ${count === 1 ? 'message' : 'messages'} deleted`);
    print(options.output, { purged }, lines.join('\n'));
  } finally {
    await transport.close();
  }
}

/** `celeriac purge -Q q1,q2` */
export function configure(command: Command): void {
  addOutputOption(addBrokerOptions(command))
    .requiredOption('-Q, --queues <names>', 'comma-separated queues whose waiting messages are deleted')
    .action(purge);
}
