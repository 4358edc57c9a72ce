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
  /** Monotonic, ms. Default `performance.now`. */
  readonly clockMs?: () => number;
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
  /** How many were leaving or stuck when the budget was last divided. */
  besides: number;
  /** What it was granted in its last turn, and whether that turn goes on. */
  granted: number | undefined;
  inTurn: boolean;
  /** It asks for something else than when members were last told. */
  changed: boolean;
}

type Asked = BudgetAsk & Pick<Ask, 'max' | 'current' | 'leaving' | 'stuck'>;

interface Budget {
  readonly name: string;
  readonly limits: Amounts;
  readonly members: readonly Member[];
  /** As last divided; null before. */
  shares: ReadonlyMap<string, number> | null;
  /** Something has changed since. */
  stale: boolean;
  /** Divided with something set aside for turns that went on. */
  setAside: boolean;
  /** Not divided again before, on the monotonic clock. */
  restsUntilMs: number;
  /** Those that have most, for texts. */
  largest: readonly Member[];
}

/** Dividing takes at most one part in so many of the time: a thousand pools that change all the time share a budget for 5 % of a processor. */
const REST = 20;
/** What is quicker than this needs no rest, ms. */
const QUICK_MS = 0.5;

/** Makes a ledger; it starts nothing. */
export function createBudgetLedger(options: BudgetLedgerOptions): BudgetLedger {
  const clockMs = options.clockMs ?? (() => performance.now());
  const budgets = budgetsOf(options);
  const byPool = new Map(budgets.flatMap((budget) => budget.members.map((member) => [member.pool, { budget, member }] as const)));
  let soon: NodeJS.Immediate | undefined;
  let later: NodeJS.Timeout | undefined;

  const sharesOf = (budget: Budget): ReadonlyMap<string, number> => {
    const startedMs = clockMs();
    // Shares of one division add up to no more than the budget for as long as all go by them.
    if (budget.shares !== null && (!budget.stale || startedMs < budget.restsUntilMs)) return budget.shares;
    const shares = divided(budget);
    const tookMs = clockMs() - startedMs;
    budget.restsUntilMs = tookMs < QUICK_MS ? 0 : startedMs + tookMs * REST;
    return shares;
  };
  const flush = (): void => {
    [soon, later] = [undefined, undefined];
    for (const budget of budgets) {
      if (!budget.members.some(({ changed }) => changed) || unknownOf(budget, options).length > 0) continue;
      const shares = sharesOf(budget);
      if (budget.stale) {
        wait(budget.restsUntilMs - clockMs());
        continue;
      }
      for (const member of budget.members) {
        member.changed = false;
        if (concerns(member, shares.get(member.pool) ?? 0)) options.wake(member.pool);
      }
    }
  };
  const wait = (ms: number): void => {
    if (ms > 0) later ??= setTimeout(flush, ms);
    else soon ??= setImmediate(flush);
  };

  return {
    grant(pool) {
      const found = byPool.get(pool);
      if (found === undefined) return null;
      const { budget, member } = found;
      const unknown = unknownOf(budget, options);
      const has = Math.max(member.asked?.current ?? 0, member.min);
      const replicas = unknown.length > 0 ? has : (sharesOf(budget).get(pool) ?? has);
      member.granted = replicas;
      member.inTurn = true;
      const text = unknown.length > 0 ? unreadText(budget, unknown) : grantText(budget, member, replicas);
      return { replicas, besides: member.besides, text };
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
      budget.stale = true;
      member.changed = true;
      wait(0);
    },
    forget() {
      for (const budget of budgets) {
        Object.assign(budget, { shares: null, restsUntilMs: 0 });
        for (const member of budget.members) Object.assign(member, { asked: undefined, granted: undefined, inTurn: false });
      }
    },
    close() {
      clearImmediate(soon);
      clearTimeout(later);
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
      const { pool, min, max, mode } = spec;
      const unasked = { asked: undefined, besides: 0, granted: undefined, inTurn: false, changed: false };
      return [{ pool, tier, weight, cost: replicaCost(size), min, max, dryRun: mode === 'dry-run', ...unasked }];
    }),
    shares: null,
    stale: true,
    setAside: false,
    restsUntilMs: 0,
    largest: [],
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
    Object.assign(budget, { stale: true, restsUntilMs: 0 });
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
  const { limits, members } = budget;
  const asks = members.flatMap(({ pool, tier, weight, cost, asked, granted, inTurn }): readonly Ask[] => {
    if (asked === undefined) return [];
    // What was granted to a turn that goes on may be used up by now.
    const current = inTurn ? Math.max(asked.current, granted ?? 0) : asked.current;
    return [{ pool, tier, weight, cost, ...asked, current }];
  });
  const shares = shareBudget(limits, asks);
  for (const member of members) member.besides = (member.asked?.leaving ?? 0) + (member.asked?.stuck ?? 0);
  const largest = members.filter((member) => takenBy(member) > 0).sort((one, other) => takenBy(other) - takenBy(one));
  Object.assign(budget, { shares, stale: false, setAside: members.some(({ inTurn }) => inTurn), largest });
  return shares;
}

/** Replicas of a pool that take their part of a budget. */
function takenBy({ asked }: Member): number {
  return asked === undefined ? 0 : asked.current + asked.leaving + asked.stuck;
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

function grantText(budget: Budget, member: Member, replicas: number): string {
  const others = budget.largest.slice(0, 4).filter((other) => other !== member);
  const most = others.slice(0, 3).map((other) => `${other.pool} has ${takenBy(other)}`);
  const more = budget.largest.length - (takenBy(member) > 0 ? 1 : 0) - most.length;
  if (more > 0) most.push(`${more} more ${more === 1 ? 'pool has' : 'pools have'} some`);
  return `budget ${budget.name} of ${limitsText(budget)} leaves ${replicas}${most.length === 0 ? '' : `: ${most.join(', ')}`}`;
}

function unreadText(budget: Budget, unknown: readonly string[]): string {
  const few = unknown.slice(0, 3).join(', ');
  return `budget ${budget.name} grants nothing more until the replicas of ${few}${unknown.length > 3 ? ' and others' : ''} are known`;
}
