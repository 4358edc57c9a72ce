import { describe, expect, it } from 'vitest';
import { createHosts } from '../../src/celery-metrics/hosts.ts';

const MINUTE = 60_000;
const beat = (hostname: string, active?: number) => ({ type: 'worker-heartbeat', hostname, ...(active === undefined ? {} : { active }) });

describe('hosts', () => {
  it('are up with what their workers run, all of them together', () => {
    const hosts = createHosts();
    hosts.take({ type: 'worker-online', hostname: 'a@x' }, 'x', 0);
    expect(hosts.look().get('x')).toEqual({ up: 1, active: null });
    hosts.take(beat('a@x', 2), 'x', 0);
    hosts.take(beat('b@x', 3), 'x', 0);
    expect(hosts.look()).toEqual(new Map([['x', { up: 1, active: 5 }]]));
    expect(hosts.online).toBe(2);
  });

  it('keep what a worker runs when it answers a question without the number', () => {
    const hosts = createHosts();
    hosts.take(beat('a@x'), 'x', 0);
    expect(hosts.look().get('x')?.active).toBe(0);
    hosts.take(beat('a@x', 4), 'x', 0);
    hosts.take(beat('a@x'), 'x', 0);
    expect(hosts.look().get('x')?.active).toBe(4);
  });

  it('are not shown once all their workers said goodbye, and start anew', () => {
    const hosts = createHosts();
    hosts.take(beat('a@x', 1), 'x', 0);
    hosts.take(beat('b@x', 1), 'x', 0);
    hosts.take({ type: 'worker-offline', hostname: 'a@x' }, 'x', 0);
    expect(hosts.look().get('x')).toEqual({ up: 1, active: 1 });
    hosts.take({ type: 'worker-offline', hostname: 'b@x' }, 'x', 0);
    hosts.take({ type: 'worker-offline', hostname: 'never@y' }, 'y', 0);
    expect(hosts.look().size).toBe(0);
    expect(hosts.online).toBe(0);
    hosts.take({ type: 'worker-online', hostname: 'a@x' }, 'x', 1);
    expect(hosts.look().get('x')).toEqual({ up: 1, active: null });
  });

  it('are down after five minutes of silence, and gone with their series after ten', () => {
    const hosts = createHosts();
    hosts.take(beat('a@x', 1), 'x', 0);
    hosts.take(beat('b@y', 1), 'y', 0);
    expect(hosts.sweep(5 * MINUTE)).toEqual([]);
    expect(hosts.look().get('x')).toEqual({ up: 1, active: 1 });
    hosts.take(beat('b@y', 1), 'y', 5 * MINUTE);
    expect(hosts.sweep(5 * MINUTE + 1)).toEqual([]);
    expect(hosts.look().get('x')).toEqual({ up: 0, active: 0 });
    expect(hosts.sweep(10 * MINUTE + 1)).toEqual(['x']);
    expect([...hosts.look().keys()]).toEqual(['y']);
  });

  it('keep the series of one that only sends tasks for an hour, and those of one whose tasks still run', () => {
    const hosts = createHosts();
    hosts.touch('client', 0);
    hosts.take(beat('a@x', 1), 'x', 0);
    hosts.touch('x', 9 * MINUTE);
    expect(hosts.sweep(11 * MINUTE)).toEqual([]);
    expect(hosts.sweep(20 * MINUTE)).toEqual(['x']);
    expect(hosts.sweep(60 * MINUTE + 1)).toEqual(['client']);
  });
});
