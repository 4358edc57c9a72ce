/** What has been said of the edit at hand. The reading here and every worker tell of it, in any order and at different moments. */
export interface Troubles {
  /** An edit has been noticed here. */
  edited(): void;
  /** Whether it has not been said yet. */
  isNews(text: string, teller: 'here' | 'worker'): boolean;
}

export function createTroubles(): Troubles {
  /** Whether the reading here has come, or must soon come, to the same. */
  let said = new Map<string, boolean>();
  return {
    edited() {
      // a worker that was faster has told of this edit already, not of the one before
      said = new Map([...said].filter(([, toldHere]) => !toldHere).map(([text]) => [text, true]));
    },
    isNews(text, teller) {
      const isNews = !said.has(text);
      if (isNews || teller === 'here') said.set(text, teller === 'here');
      return isNews;
    },
  };
}
