import type { ScheduleSeen } from './seen.ts';
import type { PoolSpec } from './spec.ts';

/** The spec with the bounds of the schedule that is in force. */
export function scheduled(spec: PoolSpec, schedule: ScheduleSeen | null): PoolSpec {
  if (schedule === null || (schedule.min === null && schedule.max === null)) return spec;
  return { ...spec, min: schedule.min ?? spec.min, max: schedule.max ?? spec.max };
}
