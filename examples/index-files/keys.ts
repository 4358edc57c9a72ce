/** Calls back for single keys of the terminal, until closed. */
export function onKeys(actions: Readonly<Record<string, () => void>>): { close(): void } {
  const { stdin } = process;
  const press = (key: string): void => actions[key]?.();
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.on('data', press);
  return {
    close() {
      stdin.off('data', press);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
