/** Gathers what comes in one turn of the event loop and hands it on at its end. */
export interface TurnBatch<Item> {
  add(item: Item): void;
  /** Hands on at once what has been gathered. */
  flush(): void;
}

export function createTurnBatch<Item>(onTurn: (items: Item[]) => void): TurnBatch<Item> {
  let items: Item[] = [];
  let turn: NodeJS.Immediate | undefined;
  const flush = (): void => {
    clearImmediate(turn);
    turn = undefined;
    if (items.length === 0) return;
    const gathered = items;
    items = [];
    onTurn(gathered);
  };
  return {
    add(item) {
      items.push(item);
      turn ??= setImmediate(flush);
    },
    flush,
  };
}
