// The pods that rendered objects make, and who selects them.

import type { KubeObject } from '../kubernetes/objects.ts';
import type { Fields } from './pod-security.ts';
import type { Rendered } from './render.ts';

type Labels = Readonly<Record<string, string>>;

/** A pod, or the template of pods. */
export interface PodTemplate {
  /** Kind and name of the object that has it. */
  readonly of: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly spec: Fields;
}

export interface Container extends Fields {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: Fields }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

/** Every pod of what was rendered. */
export function podTemplates(rendered: Rendered): readonly PodTemplate[] {
  return rendered.objects.flatMap((object) => {
    const template = object.kind === 'Pod' ? object : (object.spec?.['template'] as KubeObject | undefined);
    if (template?.spec?.['containers'] === undefined) return [];
    return [
      {
        of: `${object.kind} ${object.metadata.name}`,
        namespace: object.metadata.namespace ?? '',
        labels: template.metadata.labels ?? {},
        annotations: template.metadata.annotations ?? {},
        spec: template.spec,
      },
    ];
  });
}

/** The pod of a Deployment. */
export function podOf(rendered: Rendered, deployment: string): PodTemplate {
  rendered.one('Deployment', deployment);
  return podTemplates(rendered).find(({ of }) => of === `Deployment ${deployment}`) as PodTemplate;
}

/** The container of a pod: the first one, or the one named. */
export function containerOf(pod: PodTemplate, name?: string): Container {
  const containers = pod.spec['containers'] as readonly Container[];
  const found = name === undefined ? containers[0] : containers.find((container) => container.name === name);
  if (found === undefined) throw new Error(`${pod.of} has no container ${name ?? ''}`);
  return found;
}

/** The value that follows a flag. */
export function flagValue({ args = [] }: Container, flag: string): string | undefined {
  const at = args.indexOf(flag);
  return at < 0 ? undefined : args[at + 1];
}

/** Environment by name. */
export function environmentOf({ env = [] }: Container): Readonly<Record<string, string | Fields | undefined>> {
  return Object.fromEntries(env.map(({ name, value, valueFrom }) => [name, valueFrom ?? value]));
}

/** Whether labels have all that is asked for. */
export function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

/** `matchLabels` of a selector. Throws for one that also has expressions. */
export function matchLabels(selector: unknown): Labels {
  const { matchLabels: labels = {}, ...rest } = selector as { readonly matchLabels?: Labels };
  if (Object.keys(rest).length > 0) throw new Error(`a selector with ${Object.keys(rest).join(', ')}`);
  return labels;
}

/** What is wrong with who selects whom among rendered objects; empty where all is well. `runtimeLabels` are put on pods while they run. */
export function selectorFaults(rendered: Rendered, runtimeLabels: readonly string[]): readonly string[] {
  const pods = podTemplates(rendered);
  const selected = ({ metadata }: KubeObject, labels: Labels): readonly PodTemplate[] => {
    const asked = Object.fromEntries(Object.entries(labels).filter(([name]) => !runtimeLabels.includes(name)));
    return pods.filter((pod) => pod.namespace === metadata.namespace && hasLabels(pod.labels, asked));
  };
  const faults: string[] = [];
  const title = ({ kind, metadata }: KubeObject): string => `${kind} ${metadata.name}`;
  for (const object of rendered.of('Deployment')) {
    const found = selected(object, matchLabels(object.spec?.['selector'])).map(({ of }) => of);
    if (found.join() !== title(object)) faults.push(`${title(object)} selects ${found.join(', ') || 'nothing'}`);
  }
  for (const object of rendered.of('Service')) {
    const found = selected(object, object.spec?.['selector'] as Labels);
    if (found.length !== 1) faults.push(`${title(object)} selects ${found.map(({ of }) => of).join(', ') || 'nothing'}`);
    const ports = found.flatMap((pod) => listed<Container>(pod.spec['containers']).flatMap((container) => container.ports ?? []));
    for (const { targetPort } of listed<{ readonly targetPort: string | number }>(object.spec?.['ports'])) {
      if (!ports.some(({ name, containerPort }) => name === targetPort || containerPort === targetPort))
        faults.push(`${title(object)}: no container port ${targetPort}`);
    }
  }
  for (const [kind, field] of Object.entries({ PodDisruptionBudget: 'selector', NetworkPolicy: 'podSelector', PodMonitor: 'selector' })) {
    for (const object of rendered.of(kind)) {
      if (selected(object, matchLabels(object.spec?.[field])).length === 0) faults.push(`${title(object)} selects nothing`);
    }
  }
  for (const object of rendered.of('ServiceMonitor')) {
    const wanted = matchLabels(object.spec?.['selector']);
    const services = rendered.of('Service').filter(({ metadata }) => hasLabels(metadata.labels ?? {}, wanted));
    const ports = services.flatMap((service) => listed<{ readonly name: string }>(service.spec?.['ports'])).map(({ name }) => name);
    for (const { port } of listed<{ readonly port: string }>(object.spec?.['endpoints'])) {
      const times = ports.filter((name) => name === port).length;
      if (times !== 1) faults.push(`${title(object)}: ${times} Services with a port ${port}`);
    }
  }
  return faults;
}

function listed<T>(value: unknown): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [];
}
