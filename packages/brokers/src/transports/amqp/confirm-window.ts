/** What the window notes on its entries. */
export interface WindowEntry {
  /** The broker sent it back; its confirm comes next. */
  returned: boolean;
}

/** What is on its way unconfirmed, by the sequence numbers of publisher confirms. */
export interface ConfirmWindow<Entry extends WindowEntry> {
  readonly size: number;
  /** Gives it the next sequence number. */
  add(entry: Entry): void;
  /** Takes out what the broker confirmed, in order. */
  confirm(tag: number, multiple: boolean): readonly Entry[];
  /** Notes that the oldest unreturned entry that matches came back. */
  markReturned(matches: (entry: Entry) => boolean): void;
  /** The entries from the oldest on for which `late` holds; they stay in. */
  oldest(late: (entry: Entry) => boolean): readonly Entry[];
  /** Empties it, in order, and begins numbering anew: for a new channel. */
  takeAll(): readonly Entry[];
}

export function createConfirmWindow<Entry extends WindowEntry>(): ConfirmWindow<Entry> {
  const entries = new Map<number, Entry>();
  let next = 1;
  let lowest = 1;
  return {
    get size() {
      return entries.size;
    },
    add(entry) {
      entries.set(next++, entry);
    },
    confirm(tag, multiple) {
      const confirmed: Entry[] = [];
      for (let number = multiple ? lowest : tag; number <= tag; number++) {
        const entry = entries.get(number);
        if (entry === undefined) continue;
        entries.delete(number);
        confirmed.push(entry);
      }
      if (multiple && tag >= lowest) lowest = tag + 1;
      while (lowest < next && !entries.has(lowest)) lowest++;
      return confirmed;
    },
    markReturned(matches) {
      for (const entry of entries.values()) {
        if (entry.returned || !matches(entry)) continue;
        entry.returned = true;
        return;
      }
    },
    oldest(late) {
      const found: Entry[] = [];
      for (const entry of entries.values()) {
        if (!late(entry)) break;
        found.push(entry);
      }
      return found;
    },
    takeAll() {
      const all = [...entries.values()];
      entries.clear();
      next = 1;
      lowest = 1;
      return all;
    },
  };
}
