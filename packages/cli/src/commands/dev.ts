import type { Command } from 'commander';
import { type BrokerOnlyOptions, runBrokerOnly } from '../dev/broker-only.ts';

interface DevOptions extends BrokerOnlyOptions {
  readonly brokerOnly?: boolean;
}

/** `celeriac dev --broker-only --port 16379 --db work.db` */
export function configure(command: Command): void {
  command
    .option('--broker-only', 'only the embedded broker, for any Redis client')
    .option('--port <number>', 'port on 127.0.0.1, 0 = a free one', '16379')
    .option('--db <file>', 'keep the keys in this file over a restart')
    .option('--max-memory <bytes>', 'refuse writes above this many bytes of keys; 0 = no limit')
    .action(async (options: DevOptions) => {
      if (options.brokerOnly !== true) command.error("error: only '--broker-only' is there yet");
      await runBrokerOnly(options);
    });
}
