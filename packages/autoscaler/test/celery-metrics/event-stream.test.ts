import { createTransport, type FleetEvent, silentLogger, type Transport } from '@celeriac/brokers';
import { encodeEvent } from '@celeriac/protocol';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { until } from '../../../../test/until.ts';
import { createEventStream, type EventStream } from '../../src/celery-metrics/event-stream.ts';

let transport: Transport;
let stream: EventStream | undefined;
let count = 0;
beforeEach(async () => {
  count += 1;
  transport = await createTransport({ url: `memory://event-stream-${count}` });
});
afterEach(async () => {
  vi.useRealTimers();
  await stream?.close();
  await transport.close();
});

const tell = (uuid: string): Promise<void> =>
  transport.bus.broadcast('celeryev', 'task.received', encodeEvent({ type: 'task-received', uuid, name: 'a', timestamp: 1 }, 'w@pod-1'));
async function listen(
  onEvent: (event: FleetEvent) => void,
  limits: { shareMs?: number; mostWaiting?: number },
  now?: () => number,
): Promise<EventStream> {
  const ends = { bus: transport.bus, logger: silentLogger, onListening: () => undefined };
  const made = createEventStream({ ...ends, onEvent, ...limits, ...(now === undefined ? {} : { now }) });
  stream = made;
  made.start();
  await until(() => made.listening);
  return made;
}

it('spends no more than its share of each second on events, and reads the rest in the next', async () => {
  let nowMs = 0;
  const seen: string[] = [];
  const made = await listen(
    ({ uuid }) => {
      seen.push(`${String(uuid)} in ${Math.floor(nowMs / 1_000)}`);
      nowMs += 10;
    },
    { shareMs: 30 },
    () => nowMs,
  );
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  for (let n = 1; n <= 7; n += 1) await tell(String(n));
  await until(() => vi.getTimerCount() === 1);
  expect(seen).toEqual(['1 in 0', '2 in 0', '3 in 0']);
  nowMs = 1_000;
  vi.advanceTimersByTime(970);
  await until(() => vi.getTimerCount() === 1);
  expect(seen.slice(3)).toEqual(['4 in 1', '5 in 1', '6 in 1']);
  nowMs = 2_000;
  vi.advanceTimersByTime(970);
  await until(() => seen.length === 7);
  expect([made.taken, made.unread]).toEqual([7, 0]);
});

it('lets everything else have its turn between small slices', async () => {
  let nowMs = 0;
  let [inARow, longest] = [0, 0];
  const made = await listen(
    () => {
      nowMs += 2;
      inARow += 1;
      longest = Math.max(longest, inARow);
      setImmediate(() => {
        inARow = 0;
      });
    },
    {},
    () => nowMs,
  );
  await Promise.all(Array.from({ length: 40 }, (_, n) => tell(String(n))));
  await until(() => made.taken === 40);
  expect(longest).toBe(3);
});

it('counts what it leaves unread once too many wait', async () => {
  const made = await listen(() => undefined, { shareMs: 0, mostWaiting: 5 });
  for (let n = 0; n < 8; n += 1) await tell(String(n));
  await until(() => made.unread === 3);
  expect(made.taken).toBe(0);
});
