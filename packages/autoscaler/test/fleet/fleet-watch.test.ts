import { createTransport, silentLogger, type Transport } from '@celeriac/brokers';
import { encodeEvent } from '@celeriac/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../../../test/until.ts';
import { createFleetWatch, type FleetWatch } from '../../src/fleet/fleet-watch.ts';

let transport: Transport;
let watch: FleetWatch;
let nowMs = 1_000;
let heard: string[][] = [];
let count = 0;

beforeEach(async () => {
  count += 1;
  transport = await createTransport({ url: `memory://fleet-watch-${count}` });
  nowMs = 1_000;
  heard = [];
  watch = createFleetWatch({ bus: transport.bus, now: () => nowMs, logger: silentLogger });
  watch.onChange((nodenames) => heard.push([...nodenames].sort()));
  watch.start();
  await until(() => watch.listening);
});
afterEach(async () => {
  await watch.close();
  await transport.close();
});

function tell(type: string, nodename: string, fields: Record<string, unknown> = {}): Promise<void> {
  const message = encodeEvent({ type, hostname: nodename, pid: 7, freq: 2, ...fields }, nodename);
  return transport.bus.broadcast('celeryev', type.replace('-', '.'), message);
}

describe('listening to workers', () => {
  it('tells of who came, of who became busy or free, and of who went, not of every heartbeat', async () => {
    await tell('worker-online', 'a@x', { active: 0 });
    await tell('worker-heartbeat', 'b@x', { active: 0, processed: 1 });
    await until(() => heard.length === 1);
    await tell('worker-heartbeat', 'b@x', { active: 0, processed: 2 });
    await tell('worker-heartbeat', 'a@x', { active: 3, processed: 2 });
    await until(() => heard.length === 2);
    await tell('worker-heartbeat', 'a@x', { active: 2, processed: 3 });
    await tell('worker-offline', 'b@x');
    await until(() => heard.length === 3);
    expect(heard).toEqual([['a@x', 'b@x'], ['a@x'], ['b@x']]);
    expect(watch.state.get('a@x')).toMatchObject({ active: 2, processed: 3, processedAtFirst: 2 });
    expect(watch.state.get('b@x')).toMatchObject({ processed: 2, offlineSinceMs: 1_000 });
  });

  it('is another object only when somebody came', async () => {
    await tell('worker-heartbeat', 'a@x', { active: 0 });
    await until(() => watch.state.size === 1);
    const before = watch.state;
    nowMs = 3_000;
    await tell('worker-heartbeat', 'a@x', { active: 1 });
    await until(() => watch.state.get('a@x')?.active === 1);
    expect(watch.state).toBe(before);
    await tell('worker-heartbeat', 'b@x', { active: 1 });
    await until(() => watch.state.size === 2);
    expect(watch.state).not.toBe(before);
  });

  it('forgets who has been gone for ten minutes', async () => {
    await tell('worker-heartbeat', 'a@x');
    await tell('worker-heartbeat', 'b@x');
    await until(() => watch.state.size === 2);
    nowMs += 601_000;
    await tell('worker-heartbeat', 'b@x');
    await until(() => watch.state.size === 1);
    expect([...watch.state.keys()]).toEqual(['b@x']);
  });
});
