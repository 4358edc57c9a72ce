import { stopSignals } from '../stop-signals.ts';
import { type EmbeddedOptions, refuseProduction, startEmbedded } from './embedded.ts';

/**
 * Runs the embedded broker until SIGINT or SIGTERM; prints its URL on standard output when it listens.
 * @throws CeleriacError CELERIAC_E_CONFIG with NODE_ENV=production and on an option that cannot be used
 */
export async function runBrokerOnly(options: EmbeddedOptions): Promise<void> {
  refuseProduction();
  const signals = stopSignals(['SIGINT', 'SIGTERM']);
  const broker = await startEmbedded(options, (text) => void process.stderr.write(`celeriac: ${text}\n`));
  process.stdout.write(`${broker.url}\n`);
  await signals.first;
  signals.off();
  await broker.stop();
}
