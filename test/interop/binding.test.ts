import { bindArguments, CeleriacError } from '@celeriac/protocol';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PythonResponder, startPythonResponder } from '../python/script.ts';

/** Calls a real Python function of the given signature and says what it was given, or the text of its TypeError. */
const PYTHON = `
def handle(request):
    scope = {}
    exec(f"def add({request['signature']}):\\n    return locals()", scope)
    try:
        return {"bound": scope["add"](*request["args"], **request["kwargs"])}
    except TypeError as error:
        return {"error": str(error)}
`;

let python: PythonResponder;
beforeAll(async () => {
  python = await startPythonResponder(PYTHON);
});
afterAll(async () => {
  await python.stop();
});

const ABSENT = 'absent';
const shape = fc.record({ required: fc.nat(4), optional: fc.nat(2), rest: fc.boolean(), options: fc.boolean() });
const args = fc.array(fc.nat(9), { maxLength: 6 });
const kwargs = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'e', 'other'), fc.nat(9), { maxKeys: 3, noNullPrototype: true });

test('arguments bind as Python binds them, with its texts where they do not', async () => {
  await fc.assert(
    fc.asyncProperty(shape, args, kwargs, async ({ required, optional, rest, options }, given, keywords) => {
      const names = ['a', 'b', 'c', 'd', 'e', 'f'].slice(0, required + optional);
      const signature = names.map((name, at) => (at < required ? name : `${name}='${ABSENT}'`));
      if (rest) signature.push('*rest');
      if (options) signature.push('**options');
      const params = names.map((name, at) => (at < required ? name : `${name}?`));
      if (options) params.push('**options');
      if (rest) params.push('*rest');

      const answer = (await python.ask({ signature: signature.join(', '), args: given, kwargs: keywords })) as {
        bound?: Record<string, unknown>;
        error?: string;
      };
      let bound: readonly unknown[];
      try {
        bound = bindArguments('tasks.add', params, given, keywords);
      } catch (error) {
        expect(error).toBeInstanceOf(CeleriacError);
        expect((error as CeleriacError).data.pythonMessage).toBe(answer.error);
        return;
      }
      expect(answer.error).toBeUndefined();
      const expected = names.map((name) => (answer.bound?.[name] === ABSENT ? undefined : answer.bound?.[name]));
      if (options) expected.push(answer.bound?.options);
      if (rest) expected.push(...((answer.bound?.rest as unknown[]) ?? []));
      // Optional parameters that are absent may be left out at the end.
      const padded = [...bound, ...Array<undefined>(Math.max(0, expected.length - bound.length)).fill(undefined)];
      expect(padded.map(plain)).toEqual(expected.map(plain));
    }),
    { numRuns: 1_000 },
  );
});

function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? { ...value } : value;
}
