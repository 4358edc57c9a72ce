// helm/celeriac/README.md: what the chart is, and a table of its values from the comments of values.yaml.

import { parse } from 'yaml';
import type { JsonSchema } from './json-schema.ts';
import { type DocumentedValue, documentedValues } from './values-comments.ts';

interface ChartFile {
  readonly name: string;
  readonly version: string;
  readonly appVersion: string;
  readonly description: string;
  readonly kubeVersion: string;
}

const LONGEST_DEFAULT = 100;
const READ_BY_AUTOSCALER = [
  'pools.<name>.scaling',
  'pools.<name>.target',
  'pools.<name>.budget',
  'pools.<name>.size',
  'budgets.<name>',
] as const;

/** The text of the chart's README from the text of its Chart.yaml and of its values.yaml, and the schema of its values. */
export function chartReadme(chartYaml: string, valuesYaml: string, schema: JsonSchema): string {
  const chart = parse(chartYaml) as ChartFile;
  const tables = documentedValues(valuesYaml).flatMap(({ key, text, values }) => [
    ...(key === '' ? [] : [`### \`${key}\``, '', ...(text === '' ? [] : [text, ''])]),
    ...table(values),
    '',
  ]);
  const read = READ_BY_AUTOSCALER.flatMap((path) => [`### \`${path}\``, '', ...table(described(schemaAt(schema, path), ''), false), '']);
  return `${[...head(chart), ...tables, ...tail(), ...read].join('\n').trim()}\n`;
}

function head({ name, version, appVersion, description, kubeVersion }: ChartFile): readonly string[] {
  return [
    `# ${name}`,
    '',
    `Chart ${version}, app ${appVersion}, Kubernetes ${kubeVersion.replace(/-0$/, '')}, Helm 3 and Helm 4.`,
    '',
    `${description.trim().replaceAll(/\s+/g, ' ')}.`,
    '',
    'Each pool of workers is a Deployment that stands at zero while there is no work. The autoscaler, in two replicas of which one acts, sizes them',
    'from what waits and what runs, and takes no worker away that is at work. It has no cluster-wide rights and needs no KEDA.',
    '',
    '## Install',
    '',
    '```sh',
    `helm install ${name} helm/celeriac --set broker.url=redis://redis:6379/0 --values values.yaml`,
    `helm test ${name}`,
    '```',
    '',
    '```yaml',
    '# values.yaml',
    'defaults:',
    '  image: { repository: registry.example.com/my-tasks, tag: 1.0.0 }',
    '  app: tasks.ts',
    'pools:',
    '  default:',
    '    queues: [celery]',
    '    scaling: { max: 20 }',
    '  python:',
    '    kind: python',
    '    app: proj.celery',
    '    image: { repository: registry.example.com/my-django, tag: 1.0.0 }',
    '    queues: [reports]',
    '```',
    '',
    'The image is one with your task modules: `FROM celeriac/worker` and a `COPY`. What a key may hold is in `values.schema.json`, which Helm checks',
    'at every install and upgrade: an unknown key is an error. `scaling`, `budget`, `size` and `budgets` mean what they mean in `pools.yaml` of',
    '`celeriac autoscale`.',
    '',
    '`helm uninstall` leaves one thing: the Lease by which one of the autoscalers acts, which they make themselves.',
    '',
    '- [Installing](../../docs/guide/installing.md), [upgrading](../../docs/guide/upgrading.md), [air-gapped](../../docs/guide/air-gapped.md)',
    '- [Images, and how your tasks get into them](../../docs/guide/images.md)',
    '- [Alerts](../../docs/guide/alerts.md), [dashboards](../../docs/guide/dashboards.md), [metrics](../../docs/metrics.md)',
    '- [How pools are scaled](../../docs/guide/autoscaling.md), [orders and budgets](../../docs/guide/orders-and-budgets.md)',
    '- [Python workers](../../docs/guide/python.md), [sizes, and tasks that ask for resources](../../docs/guide/resources.md)',
    '',
    '## Values',
    '',
    'Generated from `values.yaml` by `npm run docs`. A pool may say everything that `defaults` may: objects are merged key by key, lists are replaced.',
    '',
  ];
}

function tail(): readonly string[] {
  return [
    '## What the autoscaler reads',
    '',
    'The same schema reads it as reads `pools.yaml`. `scaling` and `target` may stand under `defaults` too.',
    '',
  ];
}

function schemaAt(schema: JsonSchema, path: string): JsonSchema {
  let at = schema;
  for (const part of path.split('.')) {
    const inner = part === '<name>' ? at['additionalProperties'] : (at['properties'] as JsonSchema | undefined)?.[part];
    if (typeof inner !== 'object') throw new Error(`the schema has no ${path}`);
    at = inner as JsonSchema;
  }
  return at;
}

/** Every key below a schema that says what it is. */
function described(schema: JsonSchema, path: string): readonly DocumentedValue[] {
  return Object.entries((schema['properties'] ?? {}) as Readonly<Record<string, JsonSchema>>).flatMap(([name, of]) => {
    const own = path === '' ? name : `${path}.${name}`;
    const items = (of['items'] ?? {}) as JsonSchema;
    const row =
      typeof of['description'] === 'string' ? [{ path: own, type: typeText(of), description: of['description'], byDefault: '' }] : [];
    return [...row, ...described(of, own), ...described(items, `${own}[]`)];
  });
}

function typeText({ type, enum: values, anyOf }: JsonSchema): string {
  if (Array.isArray(values)) return values.filter((value) => value !== null).join(' | ');
  if (Array.isArray(anyOf)) return [...new Set(anyOf.map((branch) => typeText(branch as JsonSchema)))].join(' | ');
  return [type]
    .flat()
    .filter((name) => name !== 'null')
    .join(' | ');
}

function table(values: readonly DocumentedValue[], defaults = true): readonly string[] {
  const rows = values.map(({ path, type, description, byDefault }) => {
    const shown = byDefault.length > LONGEST_DEFAULT ? 'see values.yaml' : byDefault === '' ? '' : `\`${escaped(byDefault)}\``;
    return [`\`${path}\``, escaped(type), escaped(description), ...(defaults ? [shown] : [])];
  });
  const head = ['Key', 'Type', 'What it is', ...(defaults ? ['Default'] : [])];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|');
}
