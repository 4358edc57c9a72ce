import { kubeError } from './failure.ts';
import { type Priority, pauseRequests, rateBudget, takeRequest } from './rate-budget.ts';

/** The door all requests of one client go through, at the pace of its {@link rateBudget}. */
export interface Admission {
  /** Resolves when a request may leave: in order, urgent ones first. Rejects when the signal is aborted before. */
  admit(priority: Priority, signal: AbortSignal): Promise<void>;
  /** Nothing leaves for so long. */
  pause(forMs: number): void;
  /** Requests that wait at the door. */
  readonly waiting: number;
}

interface Waiter {
  readonly enter: () => void;
}

/** Opens the door. `now` is ms of any clock that does not jump. */
export function createAdmission(options: { readonly now: () => number; readonly perSecond?: number; readonly burst?: number }): Admission {
  const { now } = options;
  let budget = rateBudget(now(), options.perSecond, options.burst);
  const queues: Record<Priority, Waiter[]> = { urgent: [], background: [] };
  let timer: NodeJS.Timeout | undefined;

  const serve = (): void => {
    clearTimeout(timer);
    timer = undefined;
    for (;;) {
      const priority: Priority = queues.urgent.length > 0 ? 'urgent' : 'background';
      const [first] = queues[priority];
      if (first === undefined) return;
      const taken = takeRequest(budget, priority, now());
      budget = taken.budget;
      if (taken.waitMs > 0) {
        timer = setTimeout(serve, Math.ceil(taken.waitMs));
        return;
      }
      queues[priority].shift();
      first.enter();
    }
  };

  return {
    admit(priority, signal) {
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          const at = queues[priority].indexOf(waiter);
          if (at >= 0) queues[priority].splice(at, 1);
          reject(aborted());
        };
        const waiter: Waiter = {
          enter: () => {
            signal.removeEventListener('abort', leave);
            resolve();
          },
        };
        if (signal.aborted) {
          reject(aborted());
          return;
        }
        signal.addEventListener('abort', leave, { once: true });
        queues[priority].push(waiter);
        serve();
      });
    },
    pause(forMs) {
      budget = pauseRequests(budget, forMs, now());
    },
    get waiting() {
      return queues.urgent.length + queues.background.length;
    },
  };
}

const aborted = (): Error =>
  kubeError('the call was given up before it left', { status: null, reason: 'Aborted', retryAfterMs: null, outcomeUnknown: false });
