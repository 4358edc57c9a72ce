import type { Booking } from './booking.ts';
import type { ChildLink } from './child-link.ts';

/** One unit of capacity: the child that serves it, and what is on its way to replace that child. */
export class Slot {
  /** The child that serves, or null while one is awaited. */
  link: ChildLink | null = null;
  /** Warm, and serves when `link` has ended what it does. */
  incoming: ChildLink | null = null;
  /** `link` is to be replaced once a warm child is there. */
  wantsReplacement = false;
  /** A process of its own for one `fresh` job; the slot's own child rests meanwhile. */
  guest: ChildLink | null = null;
  /** A `fresh` job that awaits a warm process. */
  freshBooking: Booking | null = null;
  /** The slot goes away when its work is done. */
  leaving = false;

  /** Nothing runs or waits in it, and it could start a job now. */
  get idle(): boolean {
    return !this.leaving && this.resting && this.link?.open === true && this.link.load === 0;
  }

  /** No `fresh` job occupies it. */
  get resting(): boolean {
    return this.guest === null && this.freshBooking === null;
  }

  /** Whether its own child is missing, or to be replaced with none on its way. */
  get lacksChild(): boolean {
    return !this.leaving && (this.link === null || (this.wantsReplacement && this.incoming === null));
  }

  /** The processes that belong to it. */
  *links(): Generator<ChildLink> {
    if (this.link !== null) yield this.link;
    if (this.guest !== null) yield this.guest;
    if (this.incoming !== null) yield this.incoming;
  }

  /** Takes a child that is gone or dismissed out; false where it is not of this slot. */
  remove(link: ChildLink): boolean {
    if (this.guest === link) this.guest = null;
    else if (this.incoming === link) this.incoming = null;
    else if (this.link === link) {
      this.link = this.incoming;
      this.incoming = null;
      this.wantsReplacement = false;
    } else return false;
    return true;
  }
}
