import { type Amounts, amountText, RESOURCES, type Resource, replicaCost } from '../budget/resources.ts';
import type { Fault } from './fault.ts';
import { nearestName } from './nearest-name.ts';
import type { PoolsFile } from './pools-file.ts';
import { limitsOf } from './to-config.ts';

/** What is wrong with budgets and with the pools that share them. Pure. */
export function budgetFaults(file: PoolsFile): readonly Fault[] {
  const budgets = new Map(Object.entries(file.budgets ?? {}).map(([name, budget]) => [name, limitsOf(budget)]));
  const faults: Fault[] = [];
  const needed = new Map<string, Partial<Record<Resource, number>>>();
  for (const [name, limits] of budgets) {
    if (Object.keys(limits).length === 0)
      faults.push({ path: ['budgets', name], text: `limits nothing; give ${RESOURCES.join(', ')} or some of them` });
    needed.set(name, {});
  }
  for (const [name, { budget, size, scaling }] of Object.entries(file.pools)) {
    if (budget === undefined) continue;
    const limits = budgets.get(budget.from);
    if (limits === undefined) {
      const near = nearestName(budget.from, [...budgets.keys()]);
      const hint =
        near !== undefined
          ? `did you mean ${near}?`
          : budgets.size === 0
            ? 'the file has no budgets'
            : `known: ${[...budgets.keys()].join(', ')}`;
      faults.push({ path: ['pools', name, 'budget', 'from'], text: `no budget ${budget.from}; ${hint}` });
      continue;
    }
    const cost = replicaCost(size);
    const sum = needed.get(budget.from) ?? {};
    for (const resource of limited(limits)) {
      const each = cost[resource];
      const limit = limits[resource] ?? 0;
      if (each === null) {
        const text = `budget ${budget.from} limits ${resource}: say what one replica has, size: { ${resource}: ... }`;
        faults.push({ path: ['pools', name, 'budget'], text });
      } else if (each > limit) {
        const text = `one replica takes ${amountText(resource, each)}, budget ${budget.from} has ${amountText(resource, limit)}`;
        faults.push({ path: ['pools', name, 'budget'], text });
      } else sum[resource] = (sum[resource] ?? 0) + each * scaling.min;
    }
  }
  for (const [name, sum] of needed) {
    for (const resource of limited(sum)) {
      const [need, limit] = [sum[resource] ?? 0, budgets.get(name)?.[resource] ?? 0];
      if (need <= limit) continue;
      const text = `its pools' min alone take ${amountText(resource, need)} of ${amountText(resource, limit)}`;
      faults.push({ path: ['budgets', name, resource], text });
    }
  }
  return faults;
}

function limited(amounts: Amounts): readonly Resource[] {
  return RESOURCES.filter((resource) => amounts[resource] !== undefined);
}
