import type { z as Zod } from 'zod';
import type { PoolOfFile } from './pools-file.ts';
import { count, duration, type Z } from './schema-parts.ts';

/** The `scaling` of a pool. */
export function scalingSchema(z: Z): Zod.ZodType<PoolOfFile['scaling']> {
  return z
    .strictObject({
      // A YAML 1.1 writer turns `on` and `off` into true and false.
      mode: z
        .union([z.enum(['off', 'dry-run', 'up-only', 'on']), z.boolean()], 'off, dry-run, up-only or on')
        .transform((mode) => (mode === true ? 'on' : mode === false ? 'off' : mode))
        .default('on')
        .describe('off: never changes anything; dry-run: decides and records; up-only: never shrinks; on. Default on.'),
      paused: z
        .union([z.boolean(), z.enum(['in', 'out'])], 'true, false, in or out')
        .default(false)
        .describe('true: holds the pool as it is; in: does not shrink; out: does not grow. Default false.'),
      replicas: count(z, 'Exactly so many, outside of min and max too; running work is still never taken. Default: as needed.').optional(),
      min: count(z, 'Replicas kept at least. Default 0.').default(0),
      max: count(z, 'Replicas at most. Default 10.').default(10),
      goal: goalSchema(z).prefault({}).describe('What the pool is sized for.'),
      schedules: z
        .array(scheduleSchema(z))
        .optional()
        .describe('Bounds for times of the day; where several are in force, the highest min and the highest max.'),
      idleToZero: duration(z, 'How long a pool must have been without work before its last replica goes. Default 5m.').prefault('5m'),
      keepWarm: z
        .number()
        .min(0)
        .max(1_000)
        .default(0)
        .describe('Idle replicas stay for at most about so many cold starts, where the past says that they will be needed. Default 0.'),
      downDelay: duration(z, 'A shrink goes no lower than what was wanted within this time. Default 2m.').prefault('2m'),
      fallback: z
        .strictObject({
          replicas: count(z, 'Replicas to run at least while signals are missing.'),
          after: duration(z, 'How long signals must have been missing. Default 1m.').prefault('1m'),
        })
        .optional()
        .describe('What to do when signals are missing for long; without it the pool is only held.'),
      maxUpStep: z.int().min(1).optional().describe('Replicas added by one decision at most. Default: no limit.'),
      maxPending: z
        .int()
        .min(1)
        .optional()
        .describe('Replicas starting at the same time at most. Default: no limit; pods that cannot start are limited without it.'),
    })
    .prefault({});
}

function goalSchema(z: Z) {
  const wait = (text: string) => duration(z, text);
  return z.strictObject({
    queueWait: wait('How long a task may wait in a queue before it begins. Default 10s.').prefault('10s'),
    queues: z
      .record(z.string(), wait('How long a task may wait in this queue.'))
      .optional()
      .describe('The same for single queues of the pool, by name.'),
    headroom: z.number().min(0).max(10).default(0).describe('Spare slots as a multiple of the square root of the busy ones. Default 0.'),
    expectedTaskTime: wait('How long a task takes, until that has been learnt. Default 1s.').prefault('1s'),
    expectedStartTime: wait('How long a replica takes to come up, until that has been learnt. Default 5s.').prefault('5s'),
  });
}

function scheduleSchema(z: Z) {
  const cron = (text: string) => z.string().min(1).describe(text);
  return z.strictObject({
    from: cron("When it begins: minute, hour, day of month, month, day of week, such as '0 8 * * 1-5'."),
    to: cron("When it ends, such as '0 18 * * 1-5'."),
    timeZone: z.string().min(1).default('UTC').describe('IANA name, such as Europe/Berlin. Default UTC.'),
    min: count(z, 'Replicas kept at least. Default: that of the pool.').optional(),
    max: count(z, 'Replicas at most. Default: that of the pool.').optional(),
  });
}
