// What reliability's catalogue of bad messages says of a task message, in a form that every broker can carry.

import { deflateRawSync, deflateSync, constants as zlib } from 'node:zlib';

export type FailureClass = 'InvalidTaskError' | 'ContentDisallowed' | 'NotRegistered' | 'TypeError' | 'WorkerLostError';

/** How a hostile message must end: in one place, and known to whoever waits where it says whose it is. */
export type HostileEnd =
  /** Put away with this code; `failure` is what its caller sees, null where it has no usable id. */
  | { readonly quarantined: string; readonly failure: FailureClass | null }
  /** Acknowledged; its caller sees this. */
  | { readonly failure: FailureClass }
  | { readonly result: unknown };

export interface HostileCase {
  /** The number in the catalogue, and what it is. */
  readonly row: string;
  /** Replace headers of a good call of tasks.add, or remove them where undefined. */
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: Uint8Array;
  /** null removes it. */
  readonly contentType?: string | null;
  readonly contentEncoding?: string | null;
  readonly end: HostileEnd;
}

export const EMPTY_EMBED: object = { callbacks: null, errbacks: null, chain: null, chord: null };

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const body = (value: unknown): Uint8Array => text(JSON.stringify(value));
const embed = (value: unknown): Uint8Array => body([[1, 2], {}, value]);

const away = (quarantined: string, failure: FailureClass | null = 'InvalidTaskError'): HostileEnd => ({ quarantined, failure });
const BODY = away('CELERIAC_E_BODY');
const EMBED = away('CELERIAC_E_EMBED');
const FIELD = away('CELERIAC_E_REQUEST_FIELD');
const TOO_LARGE = away('CELERIAC_E_TOO_LARGE');
const CONTENT_TYPE = away('CELERIAC_E_CONTENT_TYPE', 'ContentDisallowed');
const COMPRESSION = away('CELERIAC_E_COMPRESSION');
const NO_ID = away('CELERIAC_E_TASK_ID', null);
const RUNS: HostileEnd = { result: 3 };

/** A zlib stream that unpacks to so many times 16 MiB of one character: one full-flushed block again and again, as the checksum is at the end. */
export function zipBomb(blocks: number, character: string): Uint8Array {
  const block = deflateRawSync(Buffer.alloc(16 * 1024 * 1024, character), { finishFlush: zlib.Z_FULL_FLUSH });
  return Buffer.concat([Uint8Array.of(0x78, 0x9c), ...Array.from({ length: blocks }, () => block)]);
}

/** The rows that any broker can carry. */
export const hostileCases: readonly HostileCase[] = [
  { row: '18 a body that is not JSON', body: text('not json'), end: BODY },
  { row: '19 a body that is not UTF-8', body: Uint8Array.of(0x5b, 0xff, 0x5d), end: away('CELERIAC_E_BODY_ENCODING') },
  { row: '20 a body null', body: body(null), end: BODY },
  { row: '21 a body that is a number', body: body(5), end: BODY },
  { row: '22 a body []', body: body([]), end: BODY },
  { row: '23 a body without args', body: body({ x: 1 }), end: BODY },
  { row: '24 a body of two elements', body: body([[], {}]), end: BODY },
  { row: '25 a body of three characters', body: body('abc'), end: BODY },
  { row: '26 args a number', body: body([5, {}, EMPTY_EMBED]), end: BODY },
  { row: '27 kwargs a list', body: body([[], [], EMPTY_EMBED]), end: BODY },
  { row: '28 args a text', body: body(['ab', {}, EMPTY_EMBED]), end: BODY },
  {
    row: '29 kwargs __proto__ and __class__',
    headers: { task: 'hostile.probe' },
    body: text('[[], {"__proto__": {"polluted": 1}, "__class__": 1, "constructor": {"prototype": {"polluted": 1}}}, {}]'),
    end: { result: { clean: true, names: ['__proto__', '__class__', 'constructor'], headers: [] } },
  },
  {
    row: '29 __proto__ in args and as a header',
    headers: { task: 'hostile.probe', ...(JSON.parse('{"__proto__": {"polluted": 1}}') as object) },
    body: text('[[{"__proto__": {"polluted": 1}}], {}, {"__proto__": {"polluted": 1}}]'),
    end: { result: { clean: true, names: [], headers: ['__proto__'] } },
  },
  { row: '30 an embed null', body: embed(null), end: RUNS },
  { row: '31 an embed that is text', body: embed('x'), end: EMBED },
  { row: '32 callbacks [5]', body: embed({ ...EMPTY_EMBED, callbacks: [5] }), end: EMBED },
  { row: '33 a chain [7]', body: embed({ ...EMPTY_EMBED, chain: [7] }), end: EMBED },
  { row: '34 a chord 5', body: embed({ ...EMPTY_EMBED, chord: 5 }), end: EMBED },
  { row: '35 NaN and Infinity', body: text('[[1, -Infinity], {}, {}]'), end: { result: Number.NEGATIVE_INFINITY } },
  {
    row: '36 an integer beyond 2^53',
    headers: { task: 'tasks.echo' },
    body: text('[[9007199254740993], {}, {}]'),
    end: { result: 9007199254740993n },
  },
  { row: '37 an integer of 5,000 digits', body: text(`[[${'9'.repeat(5_000)}], {}, null]`), end: TOO_LARGE },
  { row: '38 nested 100,000 deep', body: text(`[[${'['.repeat(100_000)}${']'.repeat(100_000)}], {}, null]`), end: TOO_LARGE },
  {
    row: '38 callbacks nested 100,000 deep',
    body: text(`[[], {}, {"callbacks": ${'['.repeat(100_000)}${']'.repeat(100_000)}}]`),
    end: TOO_LARGE,
  },
  { row: '39 an unknown content type', contentType: 'application/x-foo', end: CONTENT_TYPE },
  { row: '40 pickle', contentType: 'application/x-python-serialize', end: CONTENT_TYPE },
  { row: '41 yaml', contentType: 'application/x-yaml', end: CONTENT_TYPE },
  { row: '42 no content type', contentType: null, end: CONTENT_TYPE },
  { row: '43 an unknown content encoding', contentEncoding: 'x-nope', end: away('CELERIAC_E_CONTENT_ENCODING') },
  { row: '45 an unknown compression', headers: { compression: 'application/x-nope' }, end: COMPRESSION },
  { row: '45 a compression that is a number', headers: { compression: 5 }, end: COMPRESSION },
  { row: '46 compression said of what is none', headers: { compression: 'application/x-gzip' }, end: COMPRESSION },
  {
    row: '46 compression cut short',
    headers: { compression: 'application/x-gzip' },
    body: deflateSync('[[1, 2], {}, null]').subarray(0, -3),
    end: COMPRESSION,
  },
  { row: '48 no id', headers: { id: undefined }, end: NO_ID },
  { row: '49 an id null', headers: { id: null }, end: NO_ID },
  { row: '50 an id that is an object', headers: { id: {} }, end: NO_ID },
  { row: '51 an id of 60,000 characters', headers: { id: 'x'.repeat(60_000) }, end: NO_ID },
  { row: '51 an id with a line break', headers: { id: 'a\nb' }, end: NO_ID },
  { row: '52 a task that nobody registered', headers: { task: 'tasks.nobody' }, end: { failure: 'NotRegistered' } },
  { row: '53 a task that is a list', headers: { task: [] }, end: away('CELERIAC_E_TASK_NAME') },
  { row: '54 a task null', headers: { task: null }, end: away('CELERIAC_E_TASK_NAME') },
  { row: '54 no task', headers: { task: undefined }, end: away('CELERIAC_E_TASK_NAME') },
  { row: '55 the task __proto__', headers: { task: '__proto__' }, end: { failure: 'NotRegistered' } },
  { row: '55 the task constructor', headers: { task: 'constructor' }, end: { failure: 'NotRegistered' } },
  { row: '55 the task toString', headers: { task: 'toString' }, end: { failure: 'NotRegistered' } },
  { row: '56 an eta that is none', headers: { eta: 'soon' }, end: FIELD },
  { row: '57 an eta that is a number', headers: { eta: 5 }, end: FIELD },
  { row: '58 an eta of the year 1', headers: { eta: '0001-01-01T00:00:00+00:00' }, end: RUNS },
  { row: '60 an expires that is none', headers: { expires: 'late' }, end: FIELD },
  { row: '60 an expires that is a list', headers: { expires: [] }, end: FIELD },
  { row: '61 a timelimit that is text', headers: { timelimit: '30' }, end: FIELD },
  { row: '62 a timelimit of texts', headers: { timelimit: ['30', '20'] }, end: FIELD },
  { row: '63 a timelimit of one element', headers: { timelimit: [30] }, end: FIELD },
  { row: '64 a negative timelimit', headers: { timelimit: [-5, null] }, end: FIELD },
  { row: '65 retries "many"', headers: { retries: 'many' }, end: FIELD },
  { row: '66 stamped_headers that are a number', headers: { stamped_headers: 5, stamps: 5 }, end: RUNS },
  { row: '67 shadow, group and root_id that are objects', headers: { shadow: {}, group: {}, root_id: {}, parent_id: [] }, end: RUNS },
  { row: '68 an argsrepr of 60,000 characters', headers: { argsrepr: 'x'.repeat(60_000), kwargsrepr: 5 }, end: RUNS },
  { row: '71 a key twice', headers: { task: 'tasks.echo' }, body: text('[[], {"value": 1, "value": 2}, {}]'), end: { result: 2 } },
  { row: '72 a lone surrogate', headers: { task: 'tasks.echo' }, body: text('[["\\ud800"], {}, {}]'), end: { result: '\ud800' } },
  {
    row: '73 protocol 1 with a body that is garbage below',
    headers: { task: undefined, id: undefined },
    body: body({ task: 'tasks.add', id: 5, args: 5, kwargs: [], retries: 'x' }),
    end: away('CELERIAC_E_BODY', null),
  },
  { row: '75 a body over 8 MiB', body: text(`[["${'x'.repeat(9 * 1024 * 1024)}", ""], {}, {}]`), end: TOO_LARGE },
  { row: '76 an unknown __type__', body: text('[[{"__type__": "x", "__value__": 1}, 1], {}, {}]'), end: BODY },
  {
    row: '77 a uuid with more than a uuid',
    body: text('[[{"__type__": "uuid", "__value__": {"hex": "0", "x": 1}}, 1], {}, {}]'),
    end: BODY,
  },
];
