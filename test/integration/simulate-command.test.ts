// `celeriac simulate` from the shell: traces out, comparisons out, faults named by their line.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCeleriac } from '../worker-process.ts';

const generate = ['simulate', '--generate', 'bursty', '--seed', '7', '--duration', '2h', '--rate', '0.1', '--mean-service', '30'];

describe('celeriac simulate', () => {
  let folder: string;
  let trace: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'celeriac-simulate-'));
    trace = join(folder, 'trace.csv');
    writeFileSync(trace, (await runCeleriac(generate)).stdout);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('makes the same bytes of the same seed', { timeout: 180_000 }, async () => {
    const [first, second, other] = await Promise.all([
      runCeleriac(generate),
      runCeleriac(generate),
      runCeleriac(generate.map((word) => (word === '7' ? '8' : word))),
    ]);
    expect(first.stdout).toMatch(/^arrival_s,service_s\n\d+\.\d{3},\d+\.\d{3}\n/);
    expect(second.stdout).toBe(first.stdout);
    expect(other.stdout).not.toBe(first.stdout);
  });

  const asked = ['--slots', '2', '--cold-start', '30', '--grace', '30', '--goal', '60', '--max', '20'];

  it('prints one JSON array with an object for each policy, in the order asked for', { timeout: 180_000 }, async () => {
    const all = ['simulate', '--trace', trace, '--policy', 'ours,keda,airflow,fixed', ...asked, '--output', 'json'];
    const { code, stdout } = await runCeleriac(all);
    expect(code).toBe(0);
    const results = JSON.parse(stdout) as Record<string, unknown>[];
    expect(results.map((result) => result['policy'])).toEqual(['ours', 'keda', 'airflow', 'fixed']);
    const keys = 'policy,waitP50S,waitP95S,waitP99S,waitMaxS,withinGoalRatio,podHours,starts,reversals,kills,lost'.split(',');
    for (const result of results) expect(Object.keys(result)).toEqual(keys);
    expect(results[0]).toMatchObject({ kills: 0, lost: 0 });
    expect(results[3]).toMatchObject({ starts: 20, reversals: 0 });
  });

  it('prints a table, one row for each policy', { timeout: 180_000 }, async () => {
    const { code, stdout } = await runCeleriac(['simulate', '--trace', trace, '--policy', 'airflow,ours', ...asked]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^wait in seconds.*\nPOLICY +P50 +P95 +P99 +MAX +<=60S +POD-HOURS +STARTS +REVERSALS +KILLS +LOST\nairflow .*\nours .*\n$/,
    );
  });

  it('names the line of a row it cannot read, and options it does not know', { timeout: 180_000 }, async () => {
    const wrong = join(folder, 'wrong.csv');
    writeFileSync(wrong, 'arrival_s,service_s\n1,2\n3,soon\n');
    const read = await runCeleriac(['simulate', '--trace', wrong]);
    expect(read.code).toBe(78);
    expect(read.output).toMatch(/wrong\.csv: line 3: service_s is not a number of seconds from 0: soon/);
    expect((await runCeleriac(['simulate', '--trace', join(folder, 'none.csv')])).code).toBe(78);
    expect((await runCeleriac(['simulate'])).code).toBe(78);
    expect((await runCeleriac(['simulate', '--trace', trace, '--policy', 'theirs'])).code).toBe(2);
    expect((await runCeleriac(['simulate', '--trace', trace, '--min', '5', '--max', '4'])).code).toBe(78);
  });
});
