// helm/celeriac/README.md: what the chart is, and a table of its values from the comments of values.yaml.

import { parse } from 'yaml';
import { type DocumentedValue, documentedValues } from './values-comments.ts';

interface ChartFile {
  readonly name: string;
  readonly version: string;
  readonly appVersion: string;
  readonly description: string;
  readonly kubeVersion: string;
}

const LONGEST_DEFAULT = 100;

/** The text of the chart's README from the text of its Chart.yaml and of its values.yaml. */
export function chartReadme(chartYaml: string, valuesYaml: string): string {
  const chart = parse(chartYaml) as ChartFile;
  const tables = documentedValues(valuesYaml).flatMap(({ title, values }) => [
    ...(title === '' ? [] : [`### ${title}`, '']),
    ...table(values),
    '',
  ]);
  return `${[...head(chart), ...tables].join('\n').trim()}\n`;
}

function head({ name, version, appVersion, description, kubeVersion }: ChartFile): readonly string[] {
  return [
    `# ${name}`,
    '',
    `Chart ${version}, app ${appVersion}, Kubernetes ${kubeVersion.replace(/-0$/, '')}, Helm 3 and Helm 4.`,
    '',
    `${description.trim().replaceAll(/\s+/g, ' ')}`,
    '',
    'Each pool of workers is a Deployment that stands at zero while nothing waits. The autoscaler, in two replicas of which one acts, sizes them',
    'from what waits and what runs, and takes no worker away that is at work. It needs no rights beyond its namespace, and no KEDA.',
    '',
    '## Install',
    '',
    '```sh',
    `helm install ${name} helm/celeriac --set broker.url=redis://redis:6379/0 --values pools.yaml`,
    `helm test ${name}`,
    '```',
    '',
    '```yaml',
    '# pools.yaml',
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
    '- [On Kubernetes](../../docs/guide/kubernetes.md)',
    '- [How pools are scaled](../../docs/guide/autoscaling.md)',
    '- [Orders and budgets](../../docs/guide/orders-and-budgets.md)',
    '- [Sizes, and tasks that ask for resources](../../docs/guide/resources.md)',
    '- [Python workers](../../docs/guide/python.md)',
    '',
    '## Values',
    '',
    'Generated from `values.yaml` by `npm run docs`. A pool may say everything that `defaults` may: objects are merged key by key, lists are replaced.',
    '',
  ];
}

function table(values: readonly DocumentedValue[]): readonly string[] {
  const rows = values.map(({ path, description, byDefault }) => {
    const shown = byDefault.length > LONGEST_DEFAULT ? 'see values.yaml' : asCode(byDefault);
    return `| \`${path}\` | ${escaped(description)} | ${shown} |`;
  });
  return ['| Key | What it is | Default |', '| --- | --- | --- |', ...rows];
}

/** What stands in a comment may be prose with code in it; a value never has backticks. */
function asCode(text: string): string {
  return text.includes('`') || /^[a-z].* /.test(text) ? escaped(text) : `\`${escaped(text)}\``;
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|');
}
