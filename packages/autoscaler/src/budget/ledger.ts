import type { PoolConfig } from '../config/pools-config.ts';
import type { BudgetAsk } from '../decide/decision.ts';
import { scheduled } from '../decide/scheduled.ts';
import type { Grant } from '../decide/seen.ts';
import type { PoolTick } from '../loop/pool-loop.ts';
import type { TargetReplica } from '../targets/target.ts';
import type { Sample } from '../window/sample.ts';
import { type Amounts, amountText, RESOURCES, type ReplicaCost, replicaCost } from './resources.ts';
import { type Ask, shareBudget } from './share.ts';

/** Keeps what the pools of a budget ask, and hands out what each may have. */
export interface BudgetLedger {
  /** What a pool may have in the turn it begins now; null where it shares no budget. It is set aside for it until its turn ends. */
  grant(pool: string): Grant | null;
  /** A turn has ended. Pools whose grant changed in a way that matters to them are woken, once for all turns that end together. */
  observe(tick: PoolTick): void;
  /** Nothing that is known counts any more: somebody else has acted in between. */
  forget(): void;
  close(): void;
}

export interface BudgetLedgerOptions {
  readonly pools: readonly PoolConfig[];
  /** Limits by name. */
  readonly budgets: ReadonlyMap<string, Amounts>;
  /** A pool's replicas as its target sees them now. */
  readonly look: (pool: string) => Sample<readonly TargetReplica[]>;
  readonly wake: (pool: string) => void;
}

interface Member {
  readonly pool: string;
  readonly tier: number;
  readonly weight: number;
  readonly cost: ReplicaCost;
  readonly min: number;
  readonly max: number;
  readonly dryRun: boolean;
  /** What it asked last; undefined while nothing is known of it. */
  asked: Asked | undefined;
  /** What it was granted in its last turn, and whether that turn goes on. */
  granted: number | undefined;
  inTurn: boolean;
}

type Asked = BudgetAsk & Pick<Ask, 'max' | 'current' | 'leaving' | 'stuck'>;

interface Budget {
  readonly name: string;
  readonly limits: Amounts;
  readonly members: readonly Member[];
  /** Null where it must be divided anew. */
  shares: ReadonlyMap<string, number> | null;
  /** Divided with something set aside for turns that went on. */
  setAside: boolean;
  /** Members are to be told. */
  changed: boolean;
}

/** Makes a ledger; it starts nothing. */
export function createBudgetLedger(options: BudgetLedgerOptions): BudgetLedger {
  const budgets = budgetsOf(options);
  const byPool = new Map(budgets.flatMap((budget) => budget.members.map((member) => [member.pool, { budget, member }] as const)));
  let flushing: NodeJS.Immediate | undefined;

  const flush = (): void => {
    flushing = undefined;
    for (const budget of budgets) {
      if (!budget.changed || unknownOf(budget, options).length > 0) continue;
      budget.changed = false;
      const shares = divided(budget);
      for (const member of budget.members) if (concerns(member, shares.get(member.pool) ?? 0)) options.wake(member.pool);
    }
  };

  return {
    grant(pool) {
      const found = byPool.get(pool);
      if (found === undefined) return null;
      const { budget, member } = found;
      const unknown = unknownOf(budget, options);
      const has = Math.max(member.asked?.current ?? 0, member.min);
      const replicas = unknown.length > 0 ? has : (divided(budget).get(pool) ?? has);
      member.granted = replicas;
      member.inTurn = true;
      return { replicas, text: unknown.length > 0 ? unreadText(budget, unknown) : grantText(budget, pool, replicas) };
    },
    observe(tick) {
      const found = byPool.get(tick.pool);
      if (found === undefined) return;
      const { budget, member } = found;
      const before = member.asked;
      const setAside = budget.setAside && member.inTurn;
      member.inTurn = false;
      if (tick.seen.replicas.kind === 'reading' || before !== undefined) member.asked = askedIn(tick, before, budget);
      if (!setAside && JSON.stringify(before) === JSON.stringify(member.asked)) return;
      budget.shares = null;
      budget.changed = true;
      flushing ??= setImmediate(flush);
    },
    forget() {
      for (const budget of budgets) {
        budget.shares = null;
        for (const member of budget.members) Object.assign(member, { asked: undefined, granted: undefined, inTurn: false });
      }
    },
    close() {
      clearImmediate(flushing);
    },
  };
}

function budgetsOf({ budgets, pools }: BudgetLedgerOptions): readonly Budget[] {
  return [...budgets].map(([name, limits]) => ({
    name,
    limits,
    members: pools.flatMap(({ spec, size, budget }): readonly Member[] => {
      if (budget?.from !== name) return [];
      const { tier, weight } = budget;
      const [cost, dryRun] = [replicaCost(size), spec.mode === 'dry-run'];
      return [
        { pool: spec.pool, tier, weight, cost, min: spec.min, max: spec.max, dryRun, asked: undefined, granted: undefined, inTurn: false },
      ];
    }),
    shares: null,
    setAside: false,
    changed: false,
  }));
}

/** Pools of which nothing is known even after a look: what they use is unknown, which is never nothing. */
function unknownOf(budget: Budget, { look }: BudgetLedgerOptions): readonly string[] {
  return budget.members.flatMap((member) => {
    if (member.asked !== undefined) return [];
    const replicas = look(member.pool);
    if (replicas.kind === 'unavailable') return [member.pool];
    const inPhase = (phase: TargetReplica['phase']): number => replicas.value.filter((replica) => replica.phase === phase).length;
    const current = inPhase('running');
    // Until it has decided, all that it has counts as working.
    member.asked = {
      wish: current,
      keep: current,
      floor: current,
      max: member.max,
      current,
      leaving: inPhase('leaving'),
      stuck: inPhase('stuck'),
    };
    budget.shares = null;
    return [];
  });
}

function askedIn({ decision, spec, seen }: PoolTick, before: Asked | undefined, { members }: Budget): Asked {
  const { from, to, apply } = decision;
  const current = apply ? Math.max(from, to) : from;
  const unread = seen.replicas.kind === 'unavailable';
  const { leaving, stuck } = unread && before !== undefined ? before : decision.evidence.replicas;
  // A dry run takes nothing from those that are not one.
  if (spec.mode === 'dry-run' && members.some((member) => !member.dryRun)) {
    return { wish: current, keep: current, floor: current, max: current, current, leaving, stuck };
  }
  const { wish, keep, floor } = decision.budgetAsk;
  return { wish, keep, floor, max: scheduled(spec, seen.schedule).max, current, leaving, stuck };
}

function divided(budget: Budget): ReadonlyMap<string, number> {
  if (budget.shares !== null) return budget.shares;
  budget.setAside = budget.members.some(({ inTurn }) => inTurn);
  budget.shares = shareBudget(
    budget.limits,
    budget.members.flatMap(({ pool, tier, weight, cost, asked, granted, inTurn }): readonly Ask[] => {
      if (asked === undefined) return [];
      // What was granted to a turn that goes on may be used up by now.
      const current = inTurn ? Math.max(asked.current, granted ?? 0) : asked.current;
      return [{ pool, tier, weight, cost, ...asked, current }];
    }),
  );
  return budget.shares;
}

/** Whether a new grant lets a pool do what the last one did not, or takes from it what it has. */
function concerns({ asked, granted }: Member, share: number): boolean {
  if (asked === undefined || granted === undefined || share === granted) return false;
  return share > granted ? asked.keep > granted : asked.current > share;
}

function limitsText({ limits }: Budget): string {
  return RESOURCES.flatMap((resource) => {
    const limit = limits[resource];
    return limit === undefined ? [] : [amountText(resource, limit)];
  }).join(', ');
}

function grantText(budget: Budget, pool: string, replicas: number): string {
  const others = budget.members
    .filter((member) => member.pool !== pool)
    .map((member) => ({ name: member.pool, has: (member.asked?.current ?? 0) + (member.asked?.leaving ?? 0) + (member.asked?.stuck ?? 0) }))
    .filter(({ has }) => has > 0)
    .sort((one, other) => other.has - one.has);
  const most = others.slice(0, 3).map(({ name, has }) => `${name} has ${has}`);
  if (others.length > most.length) most.push(`${others.length - most.length} more pools have some`);
  return `budget ${budget.name} of ${limitsText(budget)} leaves ${replicas}${most.length === 0 ? '' : `: ${most.join(', ')}`}`;
}

function unreadText(budget: Budget, unknown: readonly string[]): string {
  const few = unknown.slice(0, 3).join(', ');
  return `budget ${budget.name} grants nothing more until the replicas of ${few}${unknown.length > 3 ? ' and others' : ''} are known`;
}
