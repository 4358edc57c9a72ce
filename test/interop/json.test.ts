import {
  PyDate,
  PyDateTime,
  PyDecimal,
  PyFrozenSet,
  PyTime,
  PyUuid,
  parseJson,
  pythonRepr,
  pythonReprTuple,
  stringifyJson,
} from '@celeriac/protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PythonResponder, startPythonResponder } from '../python/script.ts';

/** The other side: kombu's own JSON, with the two lines a Python user adds for sets. */
const PYTHON = `
import datetime, decimal, random, struct, uuid
from kombu.utils import json as kombu_json
from celery.utils.saferepr import saferepr

kombu_json.register_type(set, "set", lambda o: list(o), set)
kombu_json.register_type(frozenset, "frozenset", lambda o: list(o), frozenset)

def describe(o):
    """A value and its type as text that does not depend on how JSON writes it."""
    t = type(o).__name__
    if isinstance(o, dict): return "{" + ", ".join(sorted(describe(k) + ": " + describe(v) for k, v in o.items())) + "}"
    if isinstance(o, (list, tuple)): return "[" + ", ".join(describe(v) for v in o) + "]"
    if isinstance(o, (set, frozenset)): return t + "(" + ", ".join(sorted(describe(v) for v in o)) + ")"
    if isinstance(o, float): return "float " + struct.pack(">d", o).hex()
    if isinstance(o, int) and not isinstance(o, bool): return "int " + str(o)
    if isinstance(o, str): return "str " + ",".join(hex(ord(c)) for c in o)
    return t + " " + repr(o)

def value(rng, depth):
    kinds = "none bool int bigint float str bytes datetime date time decimal uuid".split()
    if depth > 0: kinds += ["list", "dict", "set", "frozenset"] * 2
    kind = rng.choice(kinds)
    if kind == "none": return None
    if kind == "bool": return rng.random() < 0.5
    if kind == "int": return rng.randint(-2**53, 2**53)
    if kind == "bigint": return rng.choice([-1, 1]) * rng.getrandbits(rng.randint(54, 400))
    if kind == "float": return rng.choice([rng.random() * 10 ** rng.randint(-300, 300), float("inf"), float("-inf"), 5e-324, 0.1, -0.5])
    if kind == "str": return text(rng)
    if kind == "bytes": return bytes(rng.randrange(256) for _ in range(rng.randint(0, 12)))
    tz = rng.choice([None, datetime.timezone.utc, datetime.timezone(datetime.timedelta(minutes=rng.randint(-1439, 1439)))])
    stamp = datetime.datetime(rng.randint(1, 9999), rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59), rng.choice([0, 1, 123456, 999999]), tz)
    if kind == "datetime": return stamp
    if kind == "date": return stamp.date()
    if kind == "time": return stamp.timetz()
    if kind == "decimal": return rng.choice([decimal.Decimal(rng.randint(-10**30, 10**30)).scaleb(rng.randint(-40, 40)), decimal.Decimal("NaN"), decimal.Decimal("-Infinity"), decimal.Decimal("1.10"), decimal.Decimal("0E-7")])
    if kind == "uuid": return uuid.UUID(int=rng.getrandbits(128))
    size = rng.randint(0, 4)
    if kind == "list": return [value(rng, depth - 1) for _ in range(size)]
    if kind == "dict": return {text(rng): value(rng, depth - 1) for _ in range(size)}
    return (set if kind == "set" else frozenset)(rng.choice([rng.randint(-10**20, 10**20), text(rng), uuid.UUID(int=rng.getrandbits(128)), None, 0.5]) for _ in range(size))

def text(rng):
    return "".join(chr(rng.choice([rng.randrange(128), rng.randrange(0x3000), 0xd800 + rng.randrange(0x800), rng.randrange(0x10000, 0x110000), 34, 92, 127])) for _ in range(rng.randint(0, 8)))

def handle(request):
    what = request["what"]
    if what == "echo": return [kombu_json.dumps(kombu_json.loads(one)) for one in request["texts"]]
    if what == "describe": return [describe(kombu_json.loads(one)) for one in request["texts"]]
    if what == "generate":
        rng = random.Random(request["seed"])
        values = [value(rng, 4) for _ in range(request["count"])]
        # what Python itself reads: json.loads joins two surrogates that stood side by side
        return [[one, describe(kombu_json.loads(one))] for one in map(kombu_json.dumps, values)]
    if what == "repr":
        values = [kombu_json.loads(one) for one in request["texts"]]
        return [[saferepr(one, 1024), saferepr(tuple(one), 1024) if isinstance(one, list) else None] for one in values]
`;

const year = fc.integer({ min: 1, max: 9999 }).map((n) => String(n).padStart(4, '0'));
const two = (max: number, min = 0) => fc.integer({ min, max }).map((n) => String(n).padStart(2, '0'));
const date = fc.tuple(year, two(12, 1), two(28, 1)).map((parts) => parts.join('-'));
const fraction = fc.constantFrom('', '.000001', '.123456', '.999999');
const clock = fc.tuple(two(23), two(59), two(59), fraction).map(([h, m, s, f]) => `${h}:${m}:${s}${f}`);
const zone = fc.constantFrom('', '+00:00', '-05:30', '+14:00');
const text = fc.string({ unit: 'binary', maxLength: 12 });
const loneSurrogates = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }).map((units) => String.fromCharCode(...units));
const safeKey = fc.oneof(text, loneSurrogates).filter((key) => key !== '__proto__' && key !== '__type__');

const leaf: fc.Arbitrary<unknown> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 400n), max: 2n ** 400n }).filter((n) => n > 9007199254740991n || n < -9007199254740991n),
  fc.double({ noNaN: true }),
  fc.constant(Number.NaN),
  text,
  loneSurrogates,
  fc.uint8Array({ maxLength: 12 }).map((bytes) => new Uint8Array(bytes)),
  fc.tuple(date, clock, zone).map(([d, c, z]) => new PyDateTime(`${d}T${c}${z}`)),
  date.map((d) => new PyDate(d)),
  fc.tuple(clock, zone).map(([c, z]) => new PyTime(`${c}${z}`)),
  fc
    .tuple(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.integer({ min: -9, max: 9 }))
    .map(([n, e]) => new PyDecimal(`${n}E${e < 0 ? '' : '+'}${e}`)),
  fc.uuid().map((uuid) => new PyUuid(uuid)),
);
const hashable = fc.oneof(fc.constant(null), fc.maxSafeInteger(), text);
const value: fc.Arbitrary<unknown> = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(safeKey, tie('any'), { maxKeys: 4, noNullPrototype: true }),
    fc.array(hashable, { maxLength: 4 }).map((items) => new Set(items)),
    fc.array(hashable, { maxLength: 4 }).map((items) => new PyFrozenSet(new Set(items))),
  ),
})).any;

/** Sets come back in Python's order, decimals in Python's form: both are compared by what they mean. */
function normal(one: unknown): unknown {
  if (one instanceof PyFrozenSet) return { frozenset: [...one].map((item) => JSON.stringify(item)).sort() };
  if (one instanceof Set) return { set: [...one].map((item) => JSON.stringify(item)).sort() };
  if (one instanceof PyDecimal)
    return { decimal: Number(one.text), digits: one.text.replace(/E.*|[.+]/g, '').replace(/^(-?)0+|0+$/g, '$1') };
  if (Array.isArray(one)) return one.map(normal);
  if (typeof one === 'object' && one !== null && Object.getPrototypeOf(one) === Object.prototype)
    return Object.fromEntries(Object.entries(one).map(([key, item]) => [key, normal(item)]));
  return one;
}

describe.each(['celery57', 'celery56'] as const)('with the kombu of %s', (peer) => {
  let python: PythonResponder;
  beforeAll(async () => {
    python = await startPythonResponder(PYTHON, { peer });
  });
  afterAll(async () => {
    await python.stop();
  });

  describe('values written here', () => {
    test('come back from kombu as they went', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(value, { minLength: 20, maxLength: 40 }), async (values) => {
          const answers = (await python.ask({ what: 'echo', texts: values.map(stringifyJson) })) as string[];
          expect(answers.map((answer) => normal(parseJson(answer)))).toEqual(values.map(normal));
        }),
        { numRuns: 60 },
      );
    });

    test('are of the type they mean in Python', async () => {
      const big = 2n ** 64n;
      const cases: readonly (readonly [unknown, string])[] = [
        [big, `int ${big}`],
        [-0, 'float 8000000000000000'],
        [2 ** 60, 'float 43b0000000000000'],
        [1e21, 'float 444b1ae4d6e2ef50'],
        [Number.NaN, 'float 7ff8000000000000'],
        [
          new Date(Date.UTC(2026, 10, 21, 10, 0, 0, 123)),
          'datetime datetime.datetime(2026, 11, 21, 10, 0, 0, 123000, tzinfo=datetime.timezone.utc)',
        ],
        [new PyDateTime('2026-11-21T10:00:00.123456'), 'datetime datetime.datetime(2026, 11, 21, 10, 0, 0, 123456)'],
        [new PyDate('2026-11-21'), 'date datetime.date(2026, 11, 21)'],
        [new PyTime('10:00:00.000001'), 'time datetime.time(10, 0, 0, 1)'],
        [new PyDecimal('1.10'), "Decimal Decimal('1.10')"],
        [new PyUuid('6a3f1c9e52d44c449b0a000000000001'), "UUID UUID('6a3f1c9e-52d4-4c44-9b0a-000000000001')"],
        [new TextEncoder().encode('abc'), "bytes b'abc'"],
        [Uint8Array.of(255, 0), "bytes b'\\xff\\x00'"],
        [new Set([1, 2]), 'set(int 1, int 2)'],
        [new PyFrozenSet(['a']), 'frozenset(str 0x61)'],
        ['\ud800', 'str 0xd800'],
      ];
      const answers = await python.ask({ what: 'describe', texts: cases.map(([one]) => stringifyJson(one)) });
      expect(answers).toEqual(cases.map(([, meaning]) => meaning));
    });

    test('are byte for byte what kombu writes, where both have one form', async () => {
      const same: fc.Arbitrary<unknown> = fc.letrec<{ any: unknown }>((tie) => ({
        any: fc.oneof(
          { depthSize: 'small' },
          fc.constantFrom(null, true, false),
          fc.maxSafeInteger(),
          fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }),
          text,
          loneSurrogates,
          fc.uint8Array({ maxLength: 8 }).map((bytes) => new Uint8Array(bytes)),
          fc.uuid().map((uuid) => new PyUuid(uuid)),
          fc.array(tie('any'), { maxLength: 4 }),
          fc.dictionary(safeKey, tie('any'), { maxKeys: 4, noNullPrototype: true }),
        ),
      })).any;
      await fc.assert(
        fc.asyncProperty(fc.array(same, { minLength: 20, maxLength: 40 }), async (values) => {
          const texts = values.map(stringifyJson);
          expect(await python.ask({ what: 'echo', texts })).toEqual(texts);
        }),
        { numRuns: 30 },
      );
    });
  });

  describe('values written by kombu', () => {
    test('mean the same after a round trip through here', async () => {
      for (let seed = 1; seed <= 40; seed += 1) {
        const generated = (await python.ask({ what: 'generate', seed, count: 50 })) as [string, string][];
        const texts = generated.map(([json]) => stringifyJson(parseJson(json)));
        const meanings = (await python.ask({ what: 'describe', texts })) as string[];
        // A whole float (5.0) is an integer here and goes back as one; the generator makes none.
        expect(meanings, `seed ${seed}`).toEqual(generated.map(([, meaning]) => meaning));
      }
    });
  });
});

describe('the display of arguments', () => {
  let python: PythonResponder;
  beforeAll(async () => {
    python = await startPythonResponder(PYTHON);
  });
  afterAll(async () => {
    await python.stop();
  });

  test('is that of celery.utils.saferepr', async () => {
    const shown: fc.Arbitrary<unknown> = fc.letrec<{ any: unknown }>((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom(null, true, false),
        fc.maxSafeInteger(),
        fc.constantFrom('', 'text', "it's", 'two words', 'x'.repeat(2000), 'many words '.repeat(200), 'ä\n'),
        fc.array(tie('any'), { maxLength: 5 }),
        fc.dictionary(fc.constantFrom('a', 'b', "c'd"), tie('any'), { maxKeys: 3, noNullPrototype: true }),
      ),
    })).any;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(shown, { maxLength: 60 }), { minLength: 10, maxLength: 20 }), async (values) => {
        const answers = await python.ask({ what: 'repr', texts: values.map(stringifyJson) });
        expect(values.map((one) => [pythonRepr(one), pythonReprTuple(one)])).toEqual(answers);
      }),
      { numRuns: 60 },
    );
  });
});
