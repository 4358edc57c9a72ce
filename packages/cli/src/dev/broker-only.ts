import { type EmbeddedOptions, refuseProduction, startEmbedded } from './embedded.ts';

/**
 * Runs the embedded broker until SIGINT or SIGTERM; prints its URL on standard output when it listens.
 * @throws CeleriacError CELERIAC_E_CONFIG with NODE_ENV=production and on an option that cannot be used
 */
export async function runBrokerOnly(options: EmbeddedOptions): Promise<void> {
  refuseProduction();
  const broker = await startEmbedded(options, (text) => void process.stderr.write(`celeriac: ${text}\n`));
  process.stdout.write(`${broker.url}\n`);
  await signalled();
  await broker.stop();
}

async function signalled(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  process.once('SIGINT', done).once('SIGTERM', done);
  await promise;
  process.off('SIGINT', done).off('SIGTERM', done);
}
