import type { Logger } from '@celeriac/brokers';
import { CeleriacError } from '@celeriac/protocol';
import { type ApiClient, pathOf } from '../kubernetes/api-client.ts';
import { kubeFailure } from '../kubernetes/failure.ts';
import {
  type Contender,
  defaultLeaseTimings,
  type ElectionEffect,
  type ElectionSeen,
  type ElectionState,
  initialElection,
  isHeld,
  type LeaseTimings,
  step,
} from './election.ts';
import { leaseIdentity } from './identity.ts';
import { type KeptMemory, keptMemory, type Writing } from './kept-memory.ts';
import type { Lease } from './lease.ts';
import { leaseFailure } from './lease-failure.ts';
import { type LeaseObject, leaseObject, MEMORY_ANNOTATION, sightingOf, writtenLease } from './lease-object.ts';
import type { LeaseMemory } from './memory.ts';

export interface KubernetesLeaseOptions {
  /** Best one of its own: a budget used up by others must not delay a renewal. Not closed with the lease. */
  readonly client: Pick<ApiClient, 'request'>;
  readonly namespace: string;
  /** Default `celeriac-autoscaler`. */
  readonly name?: string;
  /** Default {@link leaseIdentity}: never used twice. */
  readonly identity?: string;
  /** Default {@link defaultLeaseTimings}. */
  readonly timings?: LeaseTimings;
  readonly logger: Logger;
  /** Epoch ms, written into the Lease for people; nothing is decided by it. Default Date.now. */
  readonly now?: () => number;
  /** In [0, 1). Default Math.random. */
  readonly random?: () => number;
}

/** How long one request may take, ms. */
const REQUEST_MS = 5_000;
const LEAST_REQUEST_MS = 1_000;
const RELEASE_MS = 3_000;
/** Between two writes that somebody waits for, ms: what is asked for in between shares the next. */
const GATHER_MS = 100;

/**
 * A Lease of `coordination.k8s.io/v1`, contended for as by client-go's leaderelection. Throws CELERIAC_E_CONFIG for timings with which
 * two could hold it.
 */
export function kubernetesLease(options: KubernetesLeaseOptions): Lease {
  return new KubernetesLease(options);
}

class KubernetesLease implements Lease {
  readonly #options: KubernetesLeaseOptions;
  readonly #self: Contender;
  readonly #name: string;
  readonly #random: () => number;
  readonly #memory: KeptMemory;
  readonly #listeners: ((held: boolean) => void)[] = [];
  #state: ElectionState = initialElection;
  #object: LeaseObject | null = null;
  #announced = false;
  #closing = false;
  #lapse: NodeJS.Timeout | undefined;
  #wake: (() => void) | undefined;
  #turning: Promise<void> | undefined;
  #starting = true;
  #hopeless: CeleriacError | undefined;
  #toldOf = '';

  constructor(options: KubernetesLeaseOptions) {
    const timings = options.timings ?? defaultLeaseTimings;
    const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = timings;
    if (!(leaseDurationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs && retryPeriodMs > 0)) {
      throw new CeleriacError('CELERIAC_E_CONFIG', 'a lease must last longer than its renew deadline, and that longer than a retry');
    }
    this.#options = options;
    this.#name = options.name ?? 'celeriac-autoscaler';
    this.#random = options.random ?? Math.random;
    this.#self = { identity: options.identity ?? leaseIdentity(), timings };
    this.#memory = keptMemory({ mayWrite: () => this.held(), onUrgent: () => this.#wake?.(), logger: options.logger });
  }

  get memory(): LeaseMemory {
    return this.#memory;
  }

  get holder(): string | null {
    const holder = this.#state.known?.holder ?? '';
    return holder === '' ? null : holder;
  }

  /** By performance.now alone: it goes on while this process is stopped, and no clock of the system moves it. */
  held(): boolean {
    return !this.#closing && isHeld(performance.now(), this.#state);
  }

  onChange(listener: (held: boolean) => void): void {
    this.#listeners.push(listener);
  }

  async start(): Promise<void> {
    const { promise: settled, resolve } = Promise.withResolvers<void>();
    this.#turning ??= this.#turn(resolve);
    await settled;
    if (this.#hopeless === undefined) return;
    await this.close();
    throw this.#hopeless;
  }

  async close(): Promise<void> {
    if (this.#closing) {
      await this.#turning;
      return;
    }
    const wasHeld = this.held();
    this.#closing = true;
    this.#wake?.();
    await this.#turning;
    clearTimeout(this.#lapse);
    if (wasHeld || this.#state.known?.holder === this.#self.identity) await this.#release();
    this.#memory.lost();
    this.#state = { ...this.#state, heldUntilMs: Number.NEGATIVE_INFINITY };
    this.#announce();
  }

  async #turn(onFirstWait: () => void): Promise<void> {
    let seen: ElectionSeen = { kind: 'due' };
    while (!this.#closing && this.#hopeless === undefined) {
      const { state, effect } = step(performance.now(), this.#state, seen, this.#self);
      this.#state = state;
      this.#announce();
      if (effect.kind === 'wait') {
        this.#starting = false;
        onFirstWait();
        await this.#pause(effect.forMs, seen.kind === 'written' ? seen.askedAtMs + GATHER_MS : Number.POSITIVE_INFINITY);
        seen = { kind: 'due' };
      } else seen = await this.#perform(effect);
    }
    onFirstWait();
  }

  async #perform(effect: Exclude<ElectionEffect, { kind: 'wait' }>): Promise<ElectionSeen> {
    const verb = effect.kind === 'read' ? 'get' : effect.over === null ? 'create' : 'update';
    try {
      return effect.kind === 'read' ? await this.#read() : await this.#write(effect);
    } catch (error) {
      const failure = kubeFailure(error);
      const random = this.#random();
      if (verb !== 'get' && (failure?.status === 409 || (verb === 'update' && failure?.status === 404))) return { kind: 'refused', random };
      if (this.#closing) return { kind: 'failed', random };
      const told = leaseFailure(error, { verb, namespace: this.#options.namespace, name: this.#name });
      if (told.hopeless && this.#starting) this.#hopeless = told.error;
      else this.#tell(told.error);
      return { kind: 'failed', random };
    }
  }

  /** Loudly once, for as long as it stays the same. */
  #tell(error: CeleriacError): void {
    const { logger } = this.#options;
    const level = this.#toldOf === error.message ? 'debug' : 'warn';
    this.#toldOf = error.message;
    logger[level]({ err: error, held: this.held() }, 'the lease could not be asked for or renewed, trying again');
  }

  async #read(): Promise<ElectionSeen> {
    try {
      this.#object = this.#answered(await this.#request({ method: 'GET' }));
    } catch (error) {
      if (kubeFailure(error)?.status !== 404) throw error;
      this.#object = null;
    }
    this.#toldOf = '';
    return { kind: 'read', sighting: this.#object === null ? null : sightingOf(this.#object), random: this.#random() };
  }

  async #write({ over, takes, transitions }: Extract<ElectionEffect, { kind: 'write' }>): Promise<ElectionSeen> {
    const askedAtMs = performance.now();
    // What we know of pools is written once the lease is ours: what the last holder left stays until then.
    const memory = takes ? undefined : this.#memory.next(askedAtMs, { evenEarly: false });
    try {
      this.#object = await this.#put(over === null ? null : this.#object, { holder: this.#self.identity, takes, transitions, memory });
    } catch (error) {
      memory?.failed();
      throw error;
    }
    memory?.taken(askedAtMs);
    this.#toldOf = '';
    if (takes) this.#taken(this.#object);
    return { kind: 'written', sighting: sightingOf(this.#object), askedAtMs };
  }

  /** Somebody else may have held it since we did last: all that we knew is theirs to say. */
  #taken({ metadata, spec }: LeaseObject): void {
    this.#state = { ...this.#state, heldUntilMs: Number.NEGATIVE_INFINITY };
    this.#announce();
    this.#memory.load(metadata.annotations?.[MEMORY_ANNOTATION]);
    const { namespace, logger } = this.#options;
    logger.info(
      { lease: `${namespace}/${this.#name}`, identity: this.#self.identity, transitions: spec.leaseTransitions },
      'took the lease',
    );
  }

  async #release(): Promise<void> {
    const { logger } = this.#options;
    const endMs = performance.now() + RELEASE_MS;
    for (let tries = 0; tries < 3 && performance.now() < endMs; tries += 1) {
      const object = this.#object;
      const sighting = object === null ? null : sightingOf(object);
      if (sighting !== null && sighting.holder !== this.#self.identity) return;
      const memory = this.#memory.next(performance.now(), { evenEarly: true });
      try {
        if (object === null || sighting === null) return;
        this.#object = await this.#put(object, { holder: '', takes: false, transitions: sighting.transitions, memory });
        memory?.taken(performance.now());
        logger.info({ lease: this.#name }, 'gave up the lease');
        return;
      } catch (error) {
        memory?.failed();
        const read = await this.#read().catch(() => undefined);
        if (read === undefined || tries === 2) {
          logger.warn({ err: error }, 'the lease could not be given up: others take it when it has run out');
          return;
        }
      }
    }
  }

  async #put(
    before: LeaseObject | null,
    writing: { readonly holder: string; readonly takes: boolean; readonly transitions: number; readonly memory: Writing | undefined },
  ): Promise<LeaseObject> {
    const { now = Date.now } = this.#options;
    const { leaseDurationMs } = this.#self.timings;
    const text = writing.memory?.text;
    const body = writtenLease(this.#name, before, { ...writing, memory: text, durationMs: leaseDurationMs, nowMs: now() });
    return this.#answered(await this.#request({ method: before === null ? 'POST' : 'PUT', body }));
  }

  #request(request: { readonly method: 'GET' | 'POST' | 'PUT'; readonly body?: LeaseObject }): Promise<unknown> {
    const { client, namespace } = this.#options;
    const all = pathOf`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
    const leftMs = this.#closing ? RELEASE_MS : Math.min(REQUEST_MS, this.#self.timings.renewDeadlineMs / 2, this.#leftMs());
    const timeoutMs = Math.max(LEAST_REQUEST_MS, leftMs);
    return client.request({
      ...request,
      path: request.method === 'POST' ? all : `${all}/${encodeURIComponent(this.#name)}`,
      timeoutMs,
      giveUpAfterMs: timeoutMs,
      attempts: 1,
      priority: 'urgent',
    });
  }

  #leftMs(): number {
    const leftMs = this.#state.heldUntilMs - performance.now();
    return leftMs > 0 ? leftMs : REQUEST_MS;
  }

  #answered(answer: unknown): LeaseObject {
    const object = leaseObject(answer);
    if (object === null) throw new CeleriacError('CELERIAC_E_LEASE', 'the API server answered with something that is no Lease');
    return object;
  }

  /** Ends earlier for whoever waits for a write, from `urgentFromMs` of performance.now on; never for one while writes fail. */
  #pause(forMs: number, urgentFromMs: number): Promise<void> {
    if (this.#closing) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    let timer = setTimeout(resolve, forMs);
    const endMs = performance.now() + forMs;
    this.#wake = () => {
      if (this.#closing) resolve();
      else if (urgentFromMs < endMs) {
        clearTimeout(timer);
        timer = setTimeout(resolve, Math.max(0, urgentFromMs - performance.now()));
      }
    };
    if (this.#memory.urgent) this.#wake();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#wake = undefined;
    });
  }

  /** Says what has changed; and again by itself at the moment from which we no longer hold it. */
  #announce(): void {
    const held = this.held();
    clearTimeout(this.#lapse);
    if (held) this.#lapse = setTimeout(() => this.#announce(), this.#state.heldUntilMs - performance.now() + 1);
    if (held === this.#announced) return;
    this.#announced = held;
    if (!held) {
      this.#memory.lost();
      if (!this.#closing) this.#options.logger.warn({ holder: this.holder }, 'lost the lease: nothing is written until it is ours again');
    }
    for (const listener of this.#listeners) listener(held);
  }
}
