import { noOrders, type Orders } from '../../decide/seen.ts';

const PREFIX = 'autoscaling.keda.sh/';

/**
 * What KEDA's pause annotations on a Deployment order. As in KEDA a value that is no boolean counts as true. Pure.
 * Source: apis/keda/v1alpha1/scaledobject_types.go (paused, paused-replicas, paused-scale-in, paused-scale-out, force-activation).
 */
export function ordersOf(annotations: Readonly<Record<string, string>>): Orders {
  const isSet = (name: string): boolean => {
    const value = annotations[PREFIX + name];
    return value !== undefined && !['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(value);
  };
  const written = annotations[`${PREFIX}paused-replicas`];
  const fixed = written !== undefined && /^\d{1,6}$/.test(written) ? Number(written) : null;
  const into = isSet('paused-scale-in');
  const out = isSet('paused-scale-out');
  const pause = isSet('paused') || (into && out) ? 'all' : into ? 'in' : out ? 'out' : null;
  const forceActive = isSet('force-activation');
  if (fixed === null && pause === null && !forceActive) return noOrders;
  const names = ['paused-replicas', 'paused', 'paused-scale-in', 'paused-scale-out', 'force-activation'].filter((name) =>
    name === 'paused-replicas' ? fixed !== null : isSet(name),
  );
  // A number to pause at comes first: KEDA goes to it and stays there.
  return { pause: fixed === null ? pause : null, fixed, forceActive, by: names.map((name) => `annotation ${PREFIX}${name}`).join(' and ') };
}
