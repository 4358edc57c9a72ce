import { CeleriacError } from '@celeriac/protocol';

/** What the placeholders of a command stand for. */
export interface CommandValues {
  /** `{queues}`: comma-separated, as `-Q` takes them. */
  readonly queues: readonly string[];
  /** `{name}`: the node name, `%h` not expanded. */
  readonly name: string;
  /** `{slots}`: the pool's slotsPerReplica; null where it has none. */
  readonly slots: number | null;
  /** `{pool}`. */
  readonly pool: string;
}

const PLACEHOLDERS = ['queues', 'name', 'slots', 'pool'] as const;

/** The words of a command with their placeholders filled in; no shell is involved. Throws CELERIAC_E_CONFIG for one it does not know. */
export function fillCommand(template: readonly string[], values: CommandValues): readonly string[] {
  const texts: Readonly<Record<string, string | null>> = {
    queues: values.queues.join(','),
    name: values.name,
    slots: values.slots === null ? null : String(values.slots),
    pool: values.pool,
  };
  return template.map((word) =>
    word.replaceAll(/\{([A-Za-z]+)\}/g, (whole, placeholder: string) => {
      const text = texts[placeholder];
      if (text === undefined) {
        throw new CeleriacError(
          'CELERIAC_E_CONFIG',
          `pool ${values.pool}: the command has ${whole}; known are ${PLACEHOLDERS.map((known) => `{${known}}`).join(' ')}`,
        );
      }
      if (text === null)
        throw new CeleriacError('CELERIAC_E_CONFIG', `pool ${values.pool}: the command has {slots}, but slotsPerReplica is not set`);
      return text;
    }),
  );
}
