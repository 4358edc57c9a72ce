import { fieldsOf } from './fields.ts';
import { identityOf } from './project-owner.ts';
import { parseQuantity } from './quantity.ts';
import type { SlimQuota } from './slim.ts';

/** Keeps of a ResourceQuota (core/v1) what decisions need; null for what is none. Never throws. */
export function projectQuota(object: unknown): SlimQuota | null {
  const quota = fieldsOf(object);
  const identity = identityOf(fieldsOf(quota['metadata']));
  if (identity === null) return null;
  const status = fieldsOf(quota['status']);
  // the status follows the spec by a moment
  const hard = { ...amountsOf(fieldsOf(quota['spec'])['hard']), ...amountsOf(status['hard']) };
  return { ...identity, hard, used: amountsOf(status['used']) };
}

function amountsOf(value: unknown): Record<string, number> {
  const amounts: Record<string, number> = {};
  for (const [name, text] of Object.entries(fieldsOf(value))) {
    const amount = parseQuantity(text);
    if (amount !== null && name !== '__proto__') amounts[name] = amount;
  }
  return amounts;
}
