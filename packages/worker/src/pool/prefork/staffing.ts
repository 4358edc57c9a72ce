import { CeleriacError } from '@celeriac/protocol';
import type { TaskManifest } from '../../tasks/manifest.ts';
import type { Booking } from './booking.ts';
import type { ChildLink } from './child-link.ts';
import type { Crew } from './crew.ts';
import { Slot } from './slot.ts';

interface Pending {
  /** The failures of starting children that end it. */
  readonly failsBy: 'any' | 'fatal' | 'none';
  readonly done: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: CeleriacError) => void;
}

/** What staffing asks of its pool. */
export interface StaffingPorts {
  /** A process of its own for this job is there. */
  runFresh(link: ChildLink, booking: Booking): void;
  /** A slot got a child. */
  staffed(): void;
  log(level: 'warn' | 'error', text: string, fields: Readonly<Record<string, unknown>>): void;
}

/** Which child serves which slot: gives warm children to slots, sees to replacements, and counts how many are wanted. */
export class Staffing {
  readonly #crew: Crew;
  readonly #ports: StaffingPorts;
  readonly #owners: Map<ChildLink, Slot> = new Map();
  #slots: Slot[];
  #manifest: TaskManifest | undefined;
  #started = false;
  #closing = false;
  #everComplete = false;
  #pending: Pending[] = [];
  #lastFailure = '';
  /** Of the reload whose manifest was handed on last. */
  #announcedEpoch = 0;

  constructor(crew: Crew, slots: number, ports: StaffingPorts) {
    this.#crew = crew;
    this.#ports = ports;
    this.#slots = Array.from({ length: slots }, () => new Slot());
  }

  get slots(): readonly Slot[] {
    return this.#slots;
  }

  /** Slots that stay. */
  get total(): number {
    return this.#slots.reduce((count, slot) => count + (slot.leaving ? 0 : 1), 0);
  }

  /** Every process that belongs to a slot. */
  links(): Iterable<ChildLink> {
    return this.#owners.keys();
  }

  async start(): Promise<TaskManifest> {
    if (this.#closing || this.#started) throw new CeleriacError('CELERIAC_E_CLOSED', 'a pool starts once');
    this.#started = true;
    const complete = this.#until('fatal', () => this.#complete());
    this.staff();
    try {
      await complete;
    } catch (error) {
      this.#closing = true;
      await this.#crew.close();
      throw error;
    }
    this.#everComplete = true;
    return this.#manifest as TaskManifest;
  }

  async resize(count: number): Promise<void> {
    const staying = this.#slots.filter((slot) => !slot.leaving);
    for (let more = staying.length; more < count; more += 1) this.#slots.push(new Slot());
    const idleFirst = staying.toSorted((a, b) => Number(b.idle) - Number(a.idle));
    const leaving = idleFirst.slice(0, Math.max(0, staying.length - count));
    for (const slot of leaving) this.#leave(slot);
    const resized = this.#until('none', () => this.#complete() && leaving.every((slot) => !this.#slots.includes(slot)));
    this.staff();
    await resized;
  }

  async reload(onLoaded?: (manifest: TaskManifest) => void): Promise<TaskManifest> {
    this.#crew.turnOver();
    const { epoch } = this.#crew;
    this.#manifest = undefined;
    const warm = this.#until('any', () => this.#manifest !== undefined);
    this.staff();
    await warm;
    // Another reload may have come meanwhile: then this one ends with that one's children.
    const newest = this.#crew.epoch;
    const manifest = this.#manifest as unknown as TaskManifest;
    for (const slot of this.#slots) this.#outdate(slot, newest);
    const taken = this.#until('none', () => this.#slots.every(({ link, incoming }) => ((incoming ?? link)?.epoch ?? -1) >= epoch));
    const replaced = this.#until('none', () => this.#complete() && this.#slots.every(({ link }) => link !== null && link.epoch >= epoch));
    this.staff();
    await taken;
    if (newest >= this.#announcedEpoch) {
      this.#announcedEpoch = newest;
      onLoaded?.(manifest);
    }
    await replaced;
    return manifest;
  }

  /** Lets what runs end; resolves when no child lives. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const pending of this.#pending.splice(0)) pending.reject(new CeleriacError('CELERIAC_E_CLOSED', 'the pool was closed'));
    for (const link of [...this.#owners.keys()]) {
      if (link.waiting > 0) link.requestVoid();
      this.settle(link);
    }
    await this.#crew.close();
  }

  /** A child became warm. */
  warm(manifest: TaskManifest): void {
    this.#lastFailure = '';
    this.#manifest = manifest;
    this.staff();
  }

  /** A child could not start. */
  failed(error: CeleriacError, fatal: boolean): void {
    const ended = this.#pending.filter(({ failsBy }) => failsBy === 'any' || (fatal && failsBy === 'fatal'));
    if (ended.length > 0) {
      this.#lastFailure = error.message;
      this.#pending = this.#pending.filter((pending) => !ended.includes(pending));
      for (const { reject } of ended) reject(error);
      return;
    }
    if (!this.#everComplete) return;
    if (error.message === this.#lastFailure) return;
    this.#lastFailure = error.message;
    this.#ports.log('error', error.message, { code: error.code, ...error.data });
  }

  /** Gives what is warm to those that lack it, and says how many more are wanted. */
  staff(): void {
    if (this.#closing || !this.#started) return;
    const lacking = this.#slots.filter((slot) => slot.lacksChild);
    const fresh = this.#slots.filter((slot) => slot.freshBooking !== null);
    let wanted = lacking.length + fresh.length;
    const needs: readonly ((link: ChildLink) => void)[] = [
      ...lacking.filter((slot) => slot.link === null).map((slot) => (link: ChildLink) => this.#install(slot, link)),
      ...fresh.map((slot) => (link: ChildLink) => this.#host(slot, link)),
      ...lacking.filter((slot) => slot.link !== null).map((slot) => (link: ChildLink) => this.#succeed(slot, link)),
    ];
    for (const give of needs) {
      const link = this.#crew.take();
      if (link === undefined) break;
      wanted -= 1;
      give(link);
    }
    // The first children do not share the processor with a spare.
    this.#crew.want(wanted + (this.#complete() ? 1 : 0));
    this.#checkPending();
  }

  /** The child is replaced after its task, once another is warm. */
  replaceWhenWarm(link: ChildLink): void {
    const slot = this.#owners.get(link);
    if (slot === undefined || slot.link !== link || slot.wantsReplacement) return;
    slot.wantsReplacement = true;
    this.staff();
  }

  /** Sends off a child that has done its last task. */
  settle(link: ChildLink): void {
    const slot = this.#owners.get(link);
    if (slot === undefined || link.load > 0 || link.awaitingVoid || link.killed) return;
    if (!link.retiring && !this.#closing && link !== slot.guest) return;
    this.#crew.dismiss(link);
    this.remove(link);
  }

  /** The child is gone, or on its way out. */
  remove(link: ChildLink): void {
    const slot = this.#owners.get(link);
    if (slot === undefined) return;
    this.#owners.delete(link);
    slot.remove(link);
    if (slot.link !== null && slot.link.epoch < this.#crew.epoch) slot.wantsReplacement = true;
    if (slot.link !== null && slot.link.load === 0) this.#ports.staffed();
    if (slot.leaving && slot.link === null && slot.resting) this.#slots = this.#slots.filter((other) => other !== slot);
    this.staff();
  }

  /** Takes back `fresh` jobs that have no process yet. */
  takeFresh(): readonly Booking[] {
    const taken: Booking[] = [];
    for (const slot of this.#slots) {
      if (slot.freshBooking !== null) taken.push(slot.freshBooking);
      slot.freshBooking = null;
    }
    return taken;
  }

  /** An empty slot gets a child. */
  #install(slot: Slot, link: ChildLink): void {
    this.#owners.set(link, slot);
    slot.link = link;
    this.#ports.staffed();
  }

  /** A `fresh` job gets its process. */
  #host(slot: Slot, link: ChildLink): void {
    const booking = slot.freshBooking as Booking;
    this.#owners.set(link, slot);
    slot.freshBooking = null;
    slot.guest = link;
    this.#ports.runFresh(link, booking);
    link.retiring = true;
    link.leavesFor = 'fresh';
  }

  /** A slot gets the child that comes after its present one. */
  #succeed(slot: Slot, link: ChildLink): void {
    const old = slot.link as ChildLink;
    this.#owners.set(link, slot);
    slot.incoming = link;
    old.retiring = true;
    if (old.waiting > 0) old.requestVoid();
    this.settle(old);
  }

  #leave(slot: Slot): void {
    slot.leaving = true;
    if (slot.incoming !== null) {
      this.#owners.delete(slot.incoming);
      this.#crew.dismiss(slot.incoming);
      slot.incoming = null;
    }
    if (slot.link === null) {
      if (slot.resting) this.#slots = this.#slots.filter((other) => other !== slot);
      return;
    }
    slot.link.retiring = true;
    if (slot.link.waiting > 0) slot.link.requestVoid();
    this.settle(slot.link);
  }

  /** Sees to it that the slot's child, and one already waiting to follow it, are replaced where they are older. */
  #outdate(slot: Slot, epoch: number): void {
    if (slot.incoming !== null && slot.incoming.epoch < epoch) {
      this.#owners.delete(slot.incoming);
      this.#crew.dismiss(slot.incoming);
      slot.incoming = null;
    }
    if (slot.link !== null && slot.link.epoch < epoch) slot.wantsReplacement = true;
  }

  #complete(): boolean {
    return this.#slots.every((slot) => slot.leaving || slot.link !== null);
  }

  #until(failsBy: Pending['failsBy'], done: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ failsBy, done, resolve, reject });
    });
  }

  #checkPending(): void {
    const met = this.#pending.filter(({ done }) => done());
    if (met.length === 0) return;
    this.#pending = this.#pending.filter((pending) => !met.includes(pending));
    for (const { resolve } of met) resolve();
  }
}
