type Property = { readonly value: string | number } | { readonly returns: true | null };

/** What scripts find in the table `redis` beside its functions. */
export const redisProperties: Readonly<Record<string, Property>> = {
  REDIS_VERSION: { value: '7.0.15' },
  REDIS_VERSION_NUM: { value: 0x07000f },
  REPL_NONE: { value: 0 },
  REPL_AOF: { value: 1 },
  REPL_SLAVE: { value: 2 },
  REPL_REPLICA: { value: 2 },
  REPL_ALL: { value: 3 },
  replicate_commands: { returns: true },
  set_repl: { returns: null },
};

const KIND = { field: 0, stub: 1 } as const;
const TYPE = { none: 0, bool: 1, number: 2, string: 3 } as const;

/** The properties in the engine's binary form. */
export function encodeProperties(properties: Readonly<Record<string, Property>>): Buffer {
  const names = Object.keys(properties);
  return Buffer.concat([word(names.length), ...names.flatMap((name) => [text(name), encode(properties[name]!)])]);
}

function encode(property: Property): Buffer {
  if ('returns' in property) return Buffer.from(property.returns === null ? [KIND.stub, TYPE.none] : [KIND.stub, TYPE.bool, 1]);
  if (typeof property.value === 'string') return Buffer.concat([Buffer.from([KIND.field, TYPE.string]), text(property.value)]);
  const number = Buffer.alloc(10);
  number[0] = KIND.field;
  number[1] = TYPE.number;
  number.writeDoubleLE(property.value, 2);
  return number;
}

function text(value: string): Buffer {
  return Buffer.concat([word(value.length), Buffer.from(value, 'latin1')]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
