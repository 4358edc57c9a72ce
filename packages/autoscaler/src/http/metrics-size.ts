import { scheduled } from '../decide/scheduled.ts';
import type { PoolTick } from '../loop/pool-loop.ts';
import { valueOr } from '../window/sample.ts';
import type { MetricMakers } from './metric-makers.ts';
import type { MetricsPart } from './metrics-part.ts';
import { SIZE_METRICS } from './tables/size-table.ts';

/** What bounds the size of a pool, what it is meant to be, and how much of it works. */
export function createSizeMetrics(makers: MetricMakers): MetricsPart {
  const { min, max, wanted, busy, idle, busySlots } = makers.make(SIZE_METRICS);
  const writePool = ({ pool, spec, seen, decision }: PoolTick): void => {
    const bounds = scheduled(spec, seen.schedule);
    min.set({ pool }, bounds.min);
    max.set({ pool }, bounds.max);
    wanted.set({ pool }, decision.to);
    const ready = valueOr(seen.replicas, []).filter(({ phase }) => phase === 'ready');
    const { replicas, slotsPerReplica } = decision.evidence;
    busy.set({ pool }, replicas.busy);
    idle.set({ pool }, replicas.ready - replicas.busy);
    const slots = ready.reduce((sum, replica) => {
      const most = replica.slots ?? slotsPerReplica;
      return sum + Math.min(most, valueOr(replica.active, most));
    }, 0);
    busySlots.set({ pool }, slots);
  };
  return {
    observe: () => undefined,
    write(pools) {
      for (const tick of pools.values()) writePool(tick);
    },
  };
}
