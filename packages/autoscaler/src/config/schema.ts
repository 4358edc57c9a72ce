import type { PoolSize } from '@celeriac/protocol';
import type { z as Zod } from 'zod';
import { DURATION_PATTERN, parseDurationMs } from './duration.ts';
import { poolSizeSchema } from './size-schema.ts';

type Z = typeof Zod;

/** One pool of a valid file; durations in ms. */
export interface PoolOfFile {
  readonly queues: readonly string[];
  readonly slotsPerReplica?: number | undefined;
  readonly size?: PoolSize | undefined;
  readonly scaling: {
    readonly mode: 'off' | 'dry-run' | 'up-only' | 'on';
    readonly paused: boolean;
    readonly min: number;
    readonly max: number;
    readonly goal: {
      readonly queueWait: number;
      readonly headroom: number;
      readonly expectedTaskTime: number;
      readonly expectedStartTime: number;
    };
    readonly idleToZero: number;
    readonly downDelay: number;
    readonly fallback?: { readonly replicas: number; readonly after: number } | undefined;
    readonly maxUpStep?: number | undefined;
    readonly maxPending?: number | undefined;
  };
  readonly target: {
    readonly local?:
      | {
          readonly command: readonly string[];
          readonly cwd?: string | undefined;
          readonly startTimeout: number;
          readonly drainTimeout: number;
        }
      | undefined;
    readonly deployment?: { readonly namespace?: string | undefined; readonly name: string } | undefined;
  };
}

/** What a valid file says, defaults filled in and durations in ms. */
export interface PoolsFile {
  readonly broker?:
    | {
        readonly url?: string | undefined;
        readonly urlFile?: string | undefined;
        readonly transportOptions?: Readonly<Record<string, unknown>> | undefined;
      }
    | undefined;
  readonly pools: Readonly<Record<string, PoolOfFile>>;
}

/** The one source of what pools.yaml may say: it validates the file and makes the JSON Schema for editors. */
export function poolsFileSchema(z: Z): Zod.ZodType<PoolsFile> {
  const duration = (text: string) =>
    z
      .string()
      .regex(DURATION_PATTERN, 'a duration is a number and its unit: 250ms, 10s, 5m, 2h, 1d')
      .transform((written) => parseDurationMs(written) ?? 0)
      .describe(text);
  const count = (text: string) => z.int().min(0).max(100_000).describe(text);
  const words = (text: string) => z.array(z.string().min(1)).min(1).describe(text);

  const scaling = z
    .strictObject({
      // A YAML 1.1 writer turns `on` and `off` into true and false.
      mode: z
        .union([z.enum(['off', 'dry-run', 'up-only', 'on']), z.boolean()])
        .transform((mode) => (mode === true ? 'on' : mode === false ? 'off' : mode))
        .default('on')
        .describe('off: never changes anything; dry-run: decides and records; up-only: never shrinks; on. Default on.'),
      paused: z.boolean().default(false).describe('Holds the pool as it is. Default false.'),
      min: count('Replicas kept at least. Default 0.').default(0),
      max: count('Replicas at most. Default 10.').default(10),
      goal: z
        .strictObject({
          queueWait: duration('How long a task may wait in a queue before it begins. Default 10s.').prefault('10s'),
          headroom: z
            .number()
            .min(0)
            .max(10)
            .default(0)
            .describe('Spare slots as a multiple of the square root of the busy ones. Default 0.'),
          expectedTaskTime: duration('How long a task takes, until that has been learnt. Default 1s.').prefault('1s'),
          expectedStartTime: duration('How long a replica takes to come up, until that has been learnt. Default 5s.').prefault('5s'),
        })
        .prefault({})
        .describe('What the pool is sized for.'),
      idleToZero: duration('How long a pool must have been without work before its last replica goes. Default 5m.').prefault('5m'),
      downDelay: duration('A shrink goes no lower than what was wanted within this time. Default 2m.').prefault('2m'),
      fallback: z
        .strictObject({
          replicas: count('Replicas to run at least while signals are missing.'),
          after: duration('How long signals must have been missing. Default 1m.').prefault('1m'),
        })
        .optional()
        .describe('What to do when signals are missing for long; without it the pool is only held.'),
      maxUpStep: z.int().min(1).optional().describe('Replicas added by one decision at most. Default: no limit.'),
      maxPending: z.int().min(1).optional().describe('Replicas starting at the same time at most. Default: no limit.'),
    })
    .prefault({});

  const target = z
    .strictObject({
      local: z
        .strictObject({
          command: words('Program and arguments; {queues} {name} {slots} {pool} are filled in, no shell is involved.'),
          cwd: z.string().min(1).optional().describe('Working directory. Default: that of the autoscaler.'),
          startTimeout: duration('How long a worker may take to be heard of. Default 1m.').prefault('1m'),
          drainTimeout: duration('How long the autoscaler waits for its workers when it stops. Default 10m.').prefault('10m'),
        })
        .optional()
        .describe('Processes of this machine.'),
      deployment: z
        .strictObject({
          namespace: z.string().min(1).optional().describe('Default: the namespace of the autoscaler.'),
          name: z.string().min(1),
        })
        .optional()
        .describe('A Deployment of Kubernetes.'),
    })
    .describe('What is scaled: exactly one of local and deployment.');

  const pool = z.strictObject({
    queues: words('Queues its workers serve; a queue belongs to one pool.'),
    slotsPerReplica: z.int().min(1).max(10_000).optional().describe("A worker's concurrency. Default: learnt from its heartbeats."),
    size: poolSizeSchema(z).optional(),
    scaling,
    target,
  });
  const broker = z
    .strictObject({
      url: z.string().min(1).optional().describe("As Celery's broker_url."),
      urlFile: z.string().min(1).optional().describe('A file that holds the URL, such as a mounted secret.'),
      transportOptions: z
        .record(z.string(), z.unknown())
        .optional()
        .describe("Celery's broker_transport_options in camelCase, such as globalKeyprefix."),
    })
    .describe('Where the queues are: url or urlFile.');
  return z.strictObject({
    broker: broker.optional(),
    pools: z.record(
      z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'a pool name has lower case letters, digits and hyphens, at most 63'),
      pool,
    ),
  });
}
