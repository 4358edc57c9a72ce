import { createTransport, type Logger } from '@celeriac/brokers';
import type { BrokerConfig } from '../config/pools-config.ts';
import { type BrokerLink, openBrokerLink } from './broker-link.ts';
import { followUrlFile, readUrlFile, type UrlFile } from './url-file.ts';

/**
 * The link to the broker of a configuration. A URL in a file is followed: it may be changed while we run (a Secret that is rotated). One
 * that was given otherwise cannot change without a new process.
 */
export async function connectBroker(options: {
  readonly source: BrokerConfig['source'];
  /** Celery's `broker_transport_options` in camelCase. */
  readonly transportOptions?: Readonly<Record<string, unknown>>;
  readonly logger: Logger;
  /** How often the file is read at least, and between two tries of a URL that does not work, ms. */
  readonly pollMs?: number;
  readonly retryMs?: number;
}): Promise<BrokerLink> {
  const { source, transportOptions = {}, logger, pollMs, retryMs } = options;
  const url = 'url' in source ? source.url : await readUrlFile(source.urlFile);
  let following: UrlFile | undefined;
  const link = await openBrokerLink({
    url,
    connect: (target) => createTransport({ url: target, logger, transportOptions }),
    logger,
    onClose: () => following?.close(),
    ...(retryMs === undefined ? {} : { retryMs }),
  });
  if ('urlFile' in source) {
    const onUrl = (next: string): void => link.follow(next);
    following = followUrlFile({ file: source.urlFile, url, onUrl, logger, ...(pollMs === undefined ? {} : { pollMs }) });
  }
  return link;
}
