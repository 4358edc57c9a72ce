import type { ControlledNode } from './node.ts';

/** The answer to `inspect stats` (celery/worker/control.py `stats`, celery-wire 9.4). */
export function stats(node: ControlledNode): Record<string, unknown> {
  const { traits, pool, limits } = node;
  return {
    total: Object.fromEntries([...node.tally.byTask].map(([name, counts]) => [name, counts.started])),
    pid: process.pid,
    clock: String(node.clock.value),
    uptime: Math.floor((node.now() - node.startedAtMs) / 1000),
    pool: {
      implementation: 'celeriac.prefork',
      'max-concurrency': pool.slots.total,
      processes: [...pool.pids],
      'max-tasks-per-child': node.maxTasksPerChild ?? 'N/A',
      'put-guarded-by-semaphore': false,
      timeouts: [limits.softTimeLimitS ?? 0, limits.timeLimitS ?? 0],
      writes: {
        total: node.tally.processed,
        avg: '0.00',
        all: '',
        raw: '',
        strategy: 'fair',
        inqueues: { total: pool.pids.length, active: 0 },
      },
    },
    broker: {
      hostname: traits.hostname,
      userid: traits.userid,
      virtual_host: traits.virtualHost,
      port: traits.port,
      insist: false,
      ssl: false,
      transport: traits.name,
      connect_timeout: 4,
      transport_options: {},
      login_method: null,
      uri_prefix: null,
      heartbeat: 0,
      failover_strategy: 'round-robin',
      alternates: [],
    },
    prefetch_count: node.credit(),
    rusage: resourceUsage(),
  };
}

/** As Python's `resource.getrusage`; maxrss in kilobytes, times in seconds. */
function resourceUsage(): Record<string, number> {
  const usage = process.resourceUsage();
  return {
    utime: usage.userCPUTime / 1e6,
    stime: usage.systemCPUTime / 1e6,
    maxrss: usage.maxRSS,
    ixrss: usage.sharedMemorySize,
    idrss: usage.unsharedDataSize,
    isrss: usage.unsharedStackSize,
    minflt: usage.minorPageFault,
    majflt: usage.majorPageFault,
    nswap: usage.swappedOut,
    inblock: usage.fsRead,
    oublock: usage.fsWrite,
    msgsnd: usage.ipcSent,
    msgrcv: usage.ipcReceived,
    nsignals: usage.signalsCount,
    nvcsw: usage.voluntaryContextSwitches,
    nivcsw: usage.involuntaryContextSwitches,
  };
}
