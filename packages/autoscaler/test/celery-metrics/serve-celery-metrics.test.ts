import { createTransport, silentLogger, type Transport } from '@celeriac/brokers';
import { encodeEvent } from '@celeriac/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../../../test/until.ts';
import { type CeleryMetrics, serveCeleryMetrics } from '../../src/celery-metrics/serve-celery-metrics.ts';

let transport: Transport;
let served: CeleryMetrics;
let count = 0;
const lease = { held: true, holder: null };

const read = async (path: string): Promise<{ status: number; type: string | null; text: string }> => {
  const response = await fetch(`http://127.0.0.1:${served.port}${path}`);
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
};
const tell = (type: string, fields: Record<string, unknown>): Promise<void> =>
  transport.bus.broadcast('celeryev', type.replace('-', '.'), encodeEvent({ type, timestamp: 1, ...fields }, 'w@pod-1'));

beforeEach(async () => {
  count += 1;
  lease.held = true;
  transport = await createTransport({ url: `memory://celery-metrics-${count}` });
  const autoscaler = { lease, nowMs: 0, poolOf: () => undefined, queues: new Map([['default', ['emails']]]) };
  served = await serveCeleryMetrics({ autoscaler, transport, host: '127.0.0.1', port: 0, logger: silentLogger });
  await until(async () => (await read('/health')).status === 200);
});
afterEach(async () => {
  await served.close();
  await transport.close();
});

describe('the page of celery_*', () => {
  it('shows series to who leads only, and counts all the same', async () => {
    lease.held = false;
    await tell('worker-heartbeat', { active: 1 });
    await tell('task-received', { uuid: '1', name: 'a' });
    await until(() => served.events.taken === 2);
    const standby = await read('/metrics');
    expect(standby.text).toContain('# TYPE celery_worker_up gauge\n');
    expect(standby.text).not.toContain('{');
    lease.held = true;
    const leading = await read('/metrics');
    expect(leading.type).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(leading.text).toContain('celery_worker_up{hostname="pod-1"} 1.0\n');
    expect(leading.text).toContain('celery_task_received_total{hostname="pod-1",name="a",queue_name="celery"} 1.0\n');
    expect(leading.text).toContain('celery_queue_length{queue_name="emails"} 0.0\n');
    expect(leading.text.endsWith('\n')).toBe(true);
    expect(served.events.series).toBe(8);
  });

  it('is whole where it has more than goes out in one piece', async () => {
    for (let i = 0; i < 2_000; i += 1) await tell('task-received', { uuid: `${i}`, name: `tasks.number-${i}` });
    await until(() => served.events.taken === 2_000);
    const { text } = await read('/metrics');
    expect(text.length).toBeGreaterThan(1_000_000);
    expect(text.match(/^celery_task_received_total\{.*\} 1\.0$/gm)).toHaveLength(2_000);
  });

  it('answers nothing else, and takes nothing', async () => {
    expect((await read('/else')).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${served.port}/metrics`, { method: 'POST' })).status).toBe(405);
  });

  it('needs an address that can be had', async () => {
    const autoscaler = { lease, nowMs: 0, poolOf: () => undefined, queues: new Map() };
    const again = serveCeleryMetrics({ autoscaler, transport, host: '127.0.0.1', port: served.port, logger: silentLogger });
    await expect(again).rejects.toMatchObject({ code: 'CELERIAC_E_CONFIG' });
  });
});
