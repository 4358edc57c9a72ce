import type { Orders } from '@celeriac/autoscaler';

/** What is ordered for a pool, in words; empty for nothing. */
export function ordersText({ pause, fixed, forceActive, by }: Orders): string {
  const orders = [
    ...(fixed === null ? [] : [`fixed at ${fixed}`]),
    ...(pause === null ? [] : [pause === 'all' ? 'paused' : `scaling ${pause} paused`]),
    ...(forceActive ? ['kept active'] : []),
  ];
  return orders.length === 0 ? '' : `${orders.join(', ')}${by === '' ? '' : ` by ${by}`}`;
}
