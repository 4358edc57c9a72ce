import type { Annotation } from '../grafana/annotation.ts';
import type { Variable } from '../grafana/variable.ts';
import { ofPools, perPool } from '../queries.ts';

/** The variables of a dashboard about the autoscaler's metrics. */
export const namespaceVariable: Variable = {
  name: 'namespace',
  label: 'Namespace',
  of: 'namespace',
  series: 'celeriac_build_info',
  choose: 'many',
};
export const jobVariable: Variable = {
  name: 'job',
  label: 'Autoscaler',
  of: 'job',
  series: 'celeriac_build_info{namespace=~"$namespace"}',
  choose: 'many',
};
export const queueVariable: Variable = {
  name: 'queue',
  label: 'Queue',
  of: 'queue',
  series: 'celeriac_queue_ready{namespace=~"$namespace",job=~"$job",pool=~"$pool"}',
  choose: 'many',
};

/** Pools, one or many of them. */
export function poolVariable(choose: Variable['choose']): Variable {
  return { name: 'pool', label: 'Pool', of: 'pool', series: 'celeriac_pool_wanted_replicas{namespace=~"$namespace",job=~"$job"}', choose };
}

const decided = (direction: 'up' | 'down'): string =>
  `${perPool('celeriac_decision_timestamp_seconds', ['direction', 'reason'], `direction="${direction}"`)} * 1000`;

/** Decisions that changed the number of replicas, at the time they were taken, and tasks that were killed. */
export const decisionAnnotations: readonly Annotation[] = [
  {
    name: 'Scaled up',
    expr: decided('up'),
    color: 'green',
    title: '{{pool}} up',
    text: 'reason: {{reason}}',
    tags: ['pool', 'reason'],
    valueIsTime: true,
  },
  {
    name: 'Scaled down',
    expr: decided('down'),
    color: 'blue',
    title: '{{pool}} down',
    text: 'reason: {{reason}}',
    tags: ['pool', 'reason'],
    valueIsTime: true,
  },
  {
    name: 'Tasks killed',
    expr: `sum by (namespace, pool, cause) (increase(${ofPools('celeriac_tasks_killed_total')}[1m])) > 0`,
    color: 'red',
    title: '{{pool}}: tasks killed',
    text: 'cause: {{cause}}',
    tags: ['pool', 'cause'],
  },
];

/** Words for what is either so or not. */
export const NO_GOOD: Readonly<Record<string, readonly [text: string, color: 'green' | 'red']>> = {
  '0': ['no', 'green'],
  '1': ['yes', 'red'],
};
