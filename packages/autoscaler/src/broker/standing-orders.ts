import type { Subscription, Transport } from '@celeriac/brokers';

/** Something that must stand on whichever transport is the current one. */
export interface Order {
  readonly open: (transport: Transport) => Promise<Subscription>;
  /** It stands on another one now; something may have been missed in between. */
  readonly onMoved: () => void;
}

/** What stands on a transport and moves with it: subscriptions and watches. */
export interface StandingOrders {
  /** Opens it; null: it is opened with the next `set`. Closing the answer ends it wherever it then stands. */
  place(transport: Transport | null, order: Order): Promise<Subscription>;
  /** Ends all of them where they stand or are about to; they are still to be opened elsewhere. Never rejects. */
  lift(): Promise<void>;
  /** Opens all of them; rejects with the first failure. */
  set(transport: Transport): Promise<void>;
}

interface Placed extends Order {
  opened: Subscription | undefined;
}

export function standingOrders(): StandingOrders {
  const orders = new Set<Placed>();
  // What was begun before a `lift` and comes about after it is not wanted any more.
  let round = 0;

  const openOne = async (transport: Transport, order: Placed): Promise<void> => {
    const begunIn = round;
    const opened = await order.open(transport);
    if (begunIn === round && orders.has(order)) order.opened = opened;
    else await opened.close();
  };
  return {
    async place(transport, order) {
      const placed: Placed = { ...order, opened: undefined };
      orders.add(placed);
      try {
        if (transport !== null) await openOne(transport, placed);
      } catch (error) {
        orders.delete(placed);
        throw error;
      }
      return {
        async close() {
          orders.delete(placed);
          await placed.opened?.close();
        },
      };
    },
    async lift() {
      round += 1;
      await Promise.all(
        [...orders].map(async (order) => {
          const { opened } = order;
          order.opened = undefined;
          // A transport that is being given up may be gone already.
          await opened?.close().catch(() => undefined);
        }),
      );
    },
    async set(transport) {
      const begunIn = round;
      const moved: Placed[] = [];
      for (;;) {
        const open = [...orders].filter((order) => order.opened === undefined);
        if (open.length === 0 || begunIn !== round) break;
        await Promise.all(open.map((order) => openOne(transport, order)));
        moved.push(...open);
      }
      for (const order of moved) order.onMoved();
    },
  };
}
