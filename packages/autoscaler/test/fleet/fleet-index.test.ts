import { describe, expect, it } from 'vitest';
import { createFleetIndex } from '../../src/fleet/fleet-index.ts';

const named = (nodename: string): { nodename: string; host: null } => ({ nodename, host: null });
const hosted = (host: string): { nodename: null; host: string } => ({ nodename: null, host });

describe('who is concerned by news of a worker', () => {
  it('the owner of the node name or of the host behind its @, with or without a domain', () => {
    const index = createFleetIndex<string>();
    index.place('local', [named('celery@here'), named('other@here')]);
    index.place('pods', [hosted('web-1'), hosted('web-2')]);
    expect(index.ownersOf(['celery@here'])).toEqual(new Set(['local']));
    expect(index.ownersOf(['third@here'])).toEqual(new Set());
    expect(index.ownersOf(['any@web-1', 'celery@web-2.pods.cluster.local', 'celery@here'])).toEqual(new Set(['pods', 'local']));
  });

  it('nobody once the replica is gone, everybody where two claim one host', () => {
    const index = createFleetIndex<string>();
    index.place('a', [hosted('x'), hosted('y')]);
    index.place('b', [hosted('y')]);
    expect(index.ownersOf(['w@y'])).toEqual(new Set(['a', 'b']));
    index.place('a', [hosted('x')]);
    expect(index.ownersOf(['w@y'])).toEqual(new Set(['b']));
    index.place('b', []);
    expect(index.ownersOf(['w@y', 'w@x'])).toEqual(new Set(['a']));
  });
});
