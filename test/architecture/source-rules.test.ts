import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatedDocuments } from '../../scripts/generate-docs.ts';
import { findings, packageSources, ROOT, sourceFiles, withoutComments, withoutStrings } from './source-files.ts';

const MOST_LINES = 350;
/** Files that may be longer, each with its reason. */
const LONGER: Readonly<Record<string, string>> = {};

/** What is handed the time and never looks at the world. */
const PURE = [
  /^packages\/protocol\/src\//,
  /^packages\/worker\/src\/strategy\//,
  /^packages\/worker\/src\/outcome\/plan[^/]*\.ts$/,
  /^packages\/worker\/src\/intake\/credit\.ts$/,
  /^packages\/brokers\/src\/events\/fleet-state\.ts$/,
  /^packages\/autoscaler\/src\/(window|policies|decide|scale-in)\//,
];
const IMPURE =
  /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bMath\.random\(|\brandom(UUID|Bytes|Int)\(|\bset(Timeout|Interval|Immediate)\(|\bawait\b|\basync\b|\bconsole\./;

/** Only the program's edge touches the process: the command line and the entry file of a pool's child. */
const EDGE = [/^packages\/cli\/src\//, /^packages\/worker\/src\/pool\/prefork\/child-entry\.ts$/];

describe('the sources', () => {
  const sources = packageSources();

  it('are there', () => {
    expect(sources.length).toBeGreaterThan(100);
  });

  it(`have at most ${MOST_LINES} lines each`, () => {
    const long = sources.filter((file) => file.text.split('\n').length - 1 > MOST_LINES && LONGER[file.path] === undefined);
    expect(long.map((file) => file.path)).toEqual([]);
  });

  it('decide without clock, randomness, timers and promises', () => {
    const pure = sources.filter((file) => PURE.some((pattern) => pattern.test(file.path)));
    for (const pattern of PURE)
      expect(
        pure.filter((file) => pattern.test(file.path)),
        `files at ${pattern}`,
      ).not.toHaveLength(0);
    expect(findings(pure.map(withoutStrings), IMPURE)).toEqual([]);
  });

  it('touch the environment, signals and exit codes at the edge only', () => {
    const inner = sources.filter((file) => !EDGE.some((pattern) => pattern.test(file.path)));
    expect(findings(inner, /(?<![#.\w])process\.(env|exit|exitCode|on|once|argv)\b/)).toEqual([]);
  });

  it('export names only: nothing by default and nothing wholesale', () => {
    expect(findings(sources, /^\s*export\s+(default\b|\*)/)).toEqual([]);
  });

  it('name what they hold: no utils, helpers, common or manager files', () => {
    const vague = sources.filter((file) => /(^|[/-])(utils?|helpers?|common|misc|manager)([/.-]|$)/.test(file.path));
    expect(vague.map((file) => file.path)).toEqual([]);
    const odd = sources.filter((file) => !/^[a-z0-9/.-]+$/.test(file.path));
    expect(odd.map((file) => file.path)).toEqual([]);
  });

  it('never extend a class but for errors', () => {
    const extending = findings(sources, /\bclass\s+\w+[^{]*\bextends\b/);
    expect(extending.filter((line) => !/\bextends\s+\w*Error\b/.test(line))).toEqual([]);
  });
});

describe('the tests', () => {
  const tests = [...sourceFiles('test'), ...sourceFiles('packages').filter((file) => /^packages\/[^/]+\/test\//.test(file.path))];

  it('wait for what happens; where time itself is the subject, `letTimePass` says why', () => {
    // the rigs hold the timers: limits, polling of a real peer, a proxy's delay, how long a fault lasts, tasks that take a while
    const rigs = /^test\/(until|spawned-process|worker-process|python\/script|brokers\/proxy|faults\/(?!.*\.test\.ts$).*)\.ts$|tasks\.ts$/;
    const waiting = findings(
      tests.filter((file) => !rigs.test(file.path)).map(withoutStrings),
      /\bnew Promise\b.*\bsetTimeout\(|\bsetTimeout\((resolve|done)\b|\bawait (sleep|delay|pause|wait)\(/,
    );
    expect(waiting).toEqual([]);
  });
});

describe('the generated documents', () => {
  it.each(generatedDocuments().map((document) => [document.path, document.text]))('%s is what the code says', (path, text) => {
    expect(readFileSync(join(ROOT, path), 'utf8')).toBe(text);
  });
});

describe('the rules themselves', () => {
  it('read code, not comments', () => {
    expect(withoutComments("a(); // await b\n/* await\nc */ d('//x')")).toBe("a();           \n        \n     d('//x')");
    expect(IMPURE.test('const now = Date.now();')).toBe(true);
    expect(IMPURE.test('return new Date(instant);')).toBe(false);
  });
});
