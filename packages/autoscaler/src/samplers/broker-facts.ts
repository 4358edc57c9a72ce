import type { Logger, Transport } from '@celeriac/brokers';
import { inTime } from './in-time.ts';

/** What transports offer whose broker has a say in what it keeps. */
export interface MemoryPolicy {
  /** Redis's `maxmemory-policy`; null where the server does not tell it, or has none. */
  memoryPolicy(): Promise<string | null>;
}

/** What is known of the broker beside the depths of its queues: nothing is decided by it, metrics tell it. */
export interface BrokerFacts {
  /** Messages in the quarantine of each queue; absent where that is not known. */
  readonly quarantined: ReadonlyMap<string, number>;
  /** Redis's `maxmemory-policy`; null where it is not known. */
  readonly memoryPolicy: string | null;
}

/** Knows them. */
export interface BrokerFactsReader {
  /** What is known now; asks anew behind it where that is old. So nothing is asked while nobody looks. */
  look(): BrokerFacts;
}

const EVERY_MS = 30_000;
const LIMIT_MS = 10_000;
const NOTHING: BrokerFacts = { quarantined: new Map(), memoryPolicy: null };

/** A reader over one broker connection. */
export function createBrokerFacts(options: {
  readonly transport: Pick<Transport, 'quarantine'> & Partial<MemoryPolicy>;
  readonly queues: readonly string[];
  /** Epoch ms. */
  readonly now: () => number;
  readonly logger: Logger;
}): BrokerFactsReader {
  const { transport, queues, now, logger } = options;
  let facts = NOTHING;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let asking = false;

  const known = async <T>(question: Promise<T>, what: string): Promise<T | null> => {
    try {
      return await inTime(question, LIMIT_MS, what);
    } catch (error) {
      logger.debug({ err: error }, `${what} could not be read`);
      return null;
    }
  };
  const ask = async (): Promise<void> => {
    const [lengths, memoryPolicy] = await Promise.all([
      known(transport.quarantine.lengths(queues), 'what lies in quarantine'),
      known(transport.memoryPolicy?.() ?? Promise.resolve(null), 'the memory policy of the broker'),
    ]);
    const quarantined = [...(lengths ?? [])].flatMap(([queue, length]) => (typeof length === 'number' ? [[queue, length] as const] : []));
    facts = { quarantined: new Map(quarantined), memoryPolicy };
  };
  return {
    look() {
      if (!asking && now() - askedAtMs >= EVERY_MS) {
        asking = true;
        askedAtMs = now();
        void ask().finally(() => {
          asking = false;
        });
      }
      return facts;
    },
  };
}
