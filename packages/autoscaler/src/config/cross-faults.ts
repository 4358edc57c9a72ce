import { budgetFaults } from './budget-faults.ts';
import type { Fault, Path } from './fault.ts';
import type { PoolOfFile, PoolsFile } from './pools-file.ts';

/** What is wrong with a file each of whose values is right by itself. Pure. */
export function crossFaults(file: PoolsFile): readonly Fault[] {
  const faults: Fault[] = [];
  const broker = file.broker;
  if (broker !== undefined && (broker.url === undefined) === (broker.urlFile === undefined)) {
    faults.push({ path: ['broker'], text: 'give either url or urlFile' });
  }
  if (Object.keys(file.pools).length === 0) faults.push({ path: ['pools'], text: 'no pool' });
  faults.push(...leaseFaults(file.lease), ...budgetFaults(file));
  const queueOwners = new Map<string, string>();
  const targetOwners = new Map<string, string>();
  for (const [name, pool] of Object.entries(file.pools)) {
    const at: Path = ['pools', name];
    for (const [index, queue] of pool.queues.entries()) {
      const owner = queueOwners.get(queue);
      const text = owner === name ? `queue ${queue} is there twice` : `queue ${queue} belongs to pool ${owner} already`;
      if (owner !== undefined) faults.push({ path: [...at, 'queues', index], text });
      queueOwners.set(queue, name);
    }
    faults.push(...scalingFaults(pool, [...at, 'scaling']), ...goalFaults(pool, [...at, 'scaling', 'goal', 'queues']));
    const { local, deployment } = pool.target;
    if ((local === undefined) === (deployment === undefined)) {
      faults.push({ path: [...at, 'target'], text: 'give exactly one of local and deployment' });
    }
    if (deployment === undefined) continue;
    const named = `${deployment.namespace ?? file.kubernetes?.namespace ?? ''}/${deployment.name}`;
    const owner = targetOwners.get(named);
    if (owner !== undefined) {
      faults.push({
        path: [...at, 'target', 'deployment', 'name'],
        text: `Deployment ${deployment.name} belongs to pool ${owner} already`,
      });
    }
    targetOwners.set(named, name);
  }
  return faults;
}

function scalingFaults({ scaling }: PoolOfFile, at: Path): readonly Fault[] {
  const faults: Fault[] = [];
  const { min, max, fallback, schedules = [] } = scaling;
  if (min > max) faults.push({ path: [...at, 'min'], text: `min ${min} is above max ${max}` });
  if (fallback !== undefined && fallback.replicas > max) {
    faults.push({ path: [...at, 'fallback', 'replicas'], text: `${fallback.replicas} is above max ${max}` });
  }
  for (const [index, window] of schedules.entries()) {
    const path = [...at, 'schedules', index];
    if (window.min === undefined && window.max === undefined) faults.push({ path, text: 'give min, max or both' });
    const [least, most] = [window.min ?? min, window.max ?? max];
    if (min <= max && least > most) {
      const whose = (own: number | undefined): string => (own === undefined ? ' of the pool' : '');
      const text = `min ${least}${whose(window.min)} is above max ${most}${whose(window.max)}`;
      faults.push({ path: [...path, window.min === undefined ? 'max' : 'min'], text });
    }
    if (window.from.trim() === window.to.trim()) faults.push({ path: [...path, 'to'], text: 'ends when it begins' });
  }
  return faults;
}

function goalFaults({ queues, scaling }: PoolOfFile, at: Path): readonly Fault[] {
  return Object.keys(scaling.goal.queues ?? {})
    .filter((queue) => !queues.includes(queue))
    .map((queue) => ({ path: [...at, queue], text: `not a queue of this pool, which serves ${queues.join(', ')}` }));
}

function leaseFaults(lease: PoolsFile['lease']): readonly Fault[] {
  if (lease === undefined || lease === 'off') return [];
  const { duration, renewDeadline, retryPeriod } = lease;
  const faults: Fault[] = [];
  // Whoever holds it must stop acting before others may take it.
  if (renewDeadline >= duration) faults.push({ path: ['lease', 'renewDeadline'], text: 'must be shorter than duration' });
  if (retryPeriod * 2 > renewDeadline) faults.push({ path: ['lease', 'retryPeriod'], text: 'must be at most half of renewDeadline' });
  if (retryPeriod < 100) faults.push({ path: ['lease', 'retryPeriod'], text: 'must be at least 100ms' });
  return faults;
}
