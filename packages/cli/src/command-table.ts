import type { Command } from 'commander';

/** A command's own module: loaded only when that command is named. */
export interface CommandModule {
  /** Adds arguments, options and the action. The action may set `process.exitCode`. */
  configure(command: Command): void;
}

export interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

/** Every command, in the order in which help lists them. */
export const commandTable: Readonly<Record<string, CommandEntry>> = {
  worker: { summary: 'run tasks', load: () => import('./commands/worker.ts') },
  autoscale: { summary: 'scale worker pools from and to zero', load: () => import('./commands/autoscale.ts') },
  dev: { summary: 'a broker, workers and an autoscaler on this machine', load: () => import('./commands/dev.ts') },
  call: { summary: 'publish one task', load: () => import('./commands/call.ts') },
  result: { summary: 'print the result of a task', load: () => import('./commands/result.ts') },
  purge: { summary: 'delete what waits in queues', load: () => import('./commands/purge.ts') },
  quarantine: { summary: 'list, show, retry or drop quarantined messages', load: () => import('./commands/quarantine.ts') },
  pools: { summary: 'list the pools of a running autoscaler', load: () => import('./commands/pools.ts') },
  scale: { summary: 'pause, resume or fix the size of a pool', load: () => import('./commands/scale.ts') },
  explain: { summary: 'why a pool has the size it has', load: () => import('./commands/explain.ts') },
  simulate: { summary: 'replay arrivals through autoscaling policies on a simulated clock', load: () => import('./commands/simulate.ts') },
  replay: { summary: 'decide recorded decisions again', load: () => import('./commands/replay.ts') },
};
