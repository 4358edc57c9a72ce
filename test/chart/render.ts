// What the chart renders, parsed; the same question is asked of Helm once per test file.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import type { KubeObject } from '../kubernetes/objects.ts';
import { CHART, type Ended, type Helm, runProgram } from './helm.ts';

export type Values = Readonly<Record<string, unknown>>;

export interface RenderOptions {
  /** Default helm4. */
  readonly helm?: Helm;
  /** A file of ci/ that `values` are laid over, such as `default`. */
  readonly over?: string;
  /** Default `demo`. */
  readonly release?: string;
  /** Default `jobs`. */
  readonly namespace?: string;
  /** Default true: the cluster has the kinds of Prometheus' and KEDA's operators. */
  readonly customKinds?: boolean;
  /** Renders an upgrade in place of an installation. */
  readonly upgrade?: boolean;
  /** Asks again even where the answer is known. */
  readonly fresh?: boolean;
}

export interface Rendered {
  readonly text: string;
  readonly objects: readonly KubeObject[];
  /** Objects of a kind. */
  of(kind: string): readonly KubeObject[];
  /** The object of that kind and name. Throws where there is none, or more than one. */
  one(kind: string, name: string): KubeObject;
}

/** Kinds of Prometheus' and KEDA's operators, as a cluster that has them says. */
export const CUSTOM_KINDS: readonly string[] = [
  'monitoring.coreos.com/v1',
  'monitoring.coreos.com/v1/ServiceMonitor',
  'monitoring.coreos.com/v1/PodMonitor',
  'monitoring.coreos.com/v1/PrometheusRule',
  'keda.sh/v1alpha1',
  'keda.sh/v1alpha1/ScaledObject',
];

const CI = join(CHART, 'ci');

/** Names of the files of ci/, without `-values.yaml`. */
export function ciNames(): readonly string[] {
  return readdirSync(CI).map((file) => file.replace(/-values\.yaml$/, ''));
}

/** The path of a file of ci/. */
export function ciFile(name: string): string {
  return join(CI, `${name}-values.yaml`);
}

/** The values of a file of ci/. */
export function ciValues(name: string): Values {
  return parse(readFileSync(ciFile(name), 'utf8')) as Values;
}

const asked = new Map<string, Promise<Ended>>();

function template(values: Values, options: RenderOptions): Promise<Ended> {
  const { helm = 'helm4', over, release = 'demo', namespace = 'jobs', customKinds = true, upgrade = false, fresh = false } = options;
  const args = ['template', release, CHART, '--namespace', namespace, '--kube-version', '1.34'];
  if (over !== undefined) args.push('--values', ciFile(over));
  args.push('--values', '-');
  if (customKinds) args.push('--api-versions', CUSTOM_KINDS.join(','));
  if (upgrade) args.push('--is-upgrade');
  const stdin = JSON.stringify(values);
  const question = JSON.stringify([helm, args, stdin]);
  const known = (fresh ? undefined : asked.get(question)) ?? runProgram(helm, args, stdin);
  asked.set(question, known);
  return known;
}

const parsed = new WeakMap<Ended, Rendered>();

/** Renders the chart. Rejects with what Helm says where it refuses. */
export async function render(values: Values, options: RenderOptions = {}): Promise<Rendered> {
  const answer = await template(values, options);
  if (answer.code !== 0) throw new Error(`${options.helm ?? 'helm4'} template: ${answer.stderr}`);
  const rendered = parsed.get(answer) ?? parseRendered(answer.stdout);
  parsed.set(answer, rendered);
  return rendered;
}

function parseRendered(text: string): Rendered {
  const objects = parseAllDocuments(text)
    .map((document): unknown => {
      if (document.errors.length > 0) throw new Error(`not YAML: ${document.errors.join('\n')}\n${text}`);
      return document.toJS();
    })
    .filter((object): object is KubeObject => object !== null && object !== undefined);
  const of = (kind: string): readonly KubeObject[] => objects.filter((object) => object.kind === kind);
  const one = (kind: string, name: string): KubeObject => {
    const found = of(kind).filter(({ metadata }) => metadata.name === name);
    if (found.length !== 1) {
      const names = of(kind).map(({ metadata }) => metadata.name);
      throw new Error(`${found.length} objects ${kind} ${name}; there are: ${names.join(', ') || 'none'}`);
    }
    return found[0] as KubeObject;
  };
  return { text, objects, of, one };
}

/** What Helm says against values. Rejects where it takes them. */
export async function refusal(values: Values, options: RenderOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await template(values, options);
  if (code === 0) throw new Error(`${options.helm ?? 'helm4'} template took the values and rendered:\n${stdout}`);
  return stderr;
}
