// What really ran, noted outside any broker: tasks in pods post `/start/ID` and `/end/ID` to this server, with their pod's name.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { until } from '../until.ts';

export interface LedgerNote {
  readonly event: 'start' | 'end';
  readonly id: string;
  readonly pod: string;
  /** By this machine's clock, as `Date.now()`. */
  readonly atMs: number;
}

export interface HttpLedger {
  /** Where tasks post to, as pods reach it. */
  readonly url: string;
  readonly notes: readonly LedgerNote[];
  /** How often each id started, and how often it ended. */
  starts(id: string): number;
  ends(id: string): number;
  /** The ids of these that never ended. */
  lost(ids: readonly string[]): readonly string[];
  /** The ids of these that did not start and end exactly once: lost, killed on the way, or run twice. */
  notOnce(ids: readonly string[]): readonly string[];
  /** The pods in which tasks began that have not ended. */
  busyPods(): readonly string[];
  /** Lets those that match run for as long as the test wants: their start is noted and not answered until they are let go. */
  hold(match: (id: string) => boolean): HeldTasks;
  /** Resolves when every id has ended at least once; rejects with the number missing when time is up. */
  allEnded(ids: readonly string[], timeoutMs: number): Promise<void>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface HeldTasks {
  /** Lets all of them go on, those that would come, too. */
  release(): void;
  [Symbol.dispose](): void;
}

/** `address` is one of this machine's that pods reach. */
export async function startHttpLedger(address: string): Promise<HttpLedger> {
  const notes: LedgerNote[] = [];
  const counts = { start: new Map<string, number>(), end: new Map<string, number>() };
  const running = new Map<string, string>();
  const holds = new Set<{ readonly match: (id: string) => boolean; readonly over: Promise<void> }>();
  const answer = (path: string, pod: string): string | undefined => {
    const [, event, id] = path.split('/');
    if ((event !== 'start' && event !== 'end') || id === undefined || pod === '') return undefined;
    notes.push({ event, id, pod, atMs: Date.now() });
    const times = (counts[event].get(id) ?? 0) + 1;
    counts[event].set(id, times);
    if (event === 'start') running.set(id, pod);
    else running.delete(id);
    return String(times);
  };
  const server = createServer((request, response) => {
    text(request).then(
      (pod) => {
        const path = request.url ?? '';
        const times = answer(path, pod);
        const [, event, id = ''] = path.split('/');
        const held = event === 'start' ? [...holds].find(({ match }) => match(id)) : undefined;
        response.on('error', () => {}); // whoever was held may be gone
        void (held?.over ?? Promise.resolve()).then(() => response.writeHead(times === undefined ? 400 : 200).end(times));
      },
      () => response.destroy(), // whoever wrote it has been killed
    );
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, address, resolve));
  const { port } = server.address() as AddressInfo;

  const starts = (id: string): number => counts.start.get(id) ?? 0;
  const ends = (id: string): number => counts.end.get(id) ?? 0;
  const lost = (ids: readonly string[]): readonly string[] => ids.filter((id) => ends(id) === 0);
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    url: `http://${address}:${port}`,
    notes,
    starts,
    ends,
    lost,
    notOnce: (ids) => ids.filter((id) => starts(id) !== 1 || ends(id) !== 1),
    busyPods: () => [...new Set(running.values())],
    hold: (match) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const held = { match, over: promise };
      holds.add(held);
      const release = (): void => {
        holds.delete(held);
        resolve();
      };
      return { release, [Symbol.dispose]: release };
    },
    allEnded: async (ids, timeoutMs) => {
      let missing = ids.length;
      const complete = (): boolean => {
        missing = lost(ids).length;
        return missing === 0;
      };
      await until(complete, { timeoutMs, everyMs: 100, what: 'every task in the ledger' }).catch((error: Error) => {
        throw new Error(`${missing} of ${ids.length} tasks are missing in the ledger: ${error.message}`);
      });
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
