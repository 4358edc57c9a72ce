// Prometheus' own tool for rules: the one beside the Kubernetes programs, and Debian's. What both say must be the same, since a rule file
// has to work with both major versions.

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubernetesAssets } from '../kubernetes/assets.ts';

const DEBIAN = '/usr/bin/promtool';

/** Every promtool of this machine. */
export async function promtools(): Promise<readonly string[]> {
  const assets = await kubernetesAssets();
  const beside = 'folder' in assets ? [join(assets.folder, 'promtool')] : [];
  const found = [...beside, DEBIAN].filter((path) => existsSync(path));
  if (found.length === 0) throw new Error(`no promtool: install the package prometheus (${DEBIAN})`);
  return found;
}

/** Runs promtool; resolves with what it says, and rejects with that where it is not content. */
export function runPromtool(promtool: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(promtool, args, { maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      if (error === null) resolve(`${stdout}${stderr}`);
      else reject(new Error(`promtool ${args.join(' ')}:\n${stdout}${stderr}`));
    });
  });
}

/** Series as promtool writes them: `0+10x20` begins at 0 and grows twenty times by 10, `_x5` is five times nothing. */
export interface Input {
  readonly series: string;
  readonly values: string;
}

/** What an alert is at a time. */
export interface Expectation {
  /** Since the first sample, such as `5m`. */
  readonly at: string;
  /** Labels but for the severity, and the description, of each alert that fires. */
  readonly fires: readonly { readonly labels: Readonly<Record<string, string>>; readonly summary: string; readonly description: string }[];
}

/** What becomes of one alert over some series with a sample a minute. */
export interface RuleCase {
  readonly name: string;
  readonly alert: string;
  readonly series: readonly Input[];
  readonly expect: readonly Expectation[];
}

/** Tests one case against a rule file; rejects with what differs. */
export async function testRule(promtool: string, file: string, of: RuleCase, severity: string, runbook: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-promtool-'));
  try {
    const test = {
      rule_files: [file],
      evaluation_interval: '30s',
      tests: [
        {
          name: of.name,
          interval: '1m',
          input_series: of.series,
          alert_rule_test: of.expect.map(({ at, fires }) => ({
            eval_time: at,
            alertname: of.alert,
            exp_alerts: fires.map(({ labels, summary, description }) => ({
              exp_labels: { ...labels, severity },
              exp_annotations: { summary, description, runbook_url: runbook },
            })),
          })),
        },
      ],
    };
    const path = join(folder, 'test.yaml');
    writeFileSync(path, JSON.stringify(test));
    await runPromtool(promtool, ['test', 'rules', path]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
