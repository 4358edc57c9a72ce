// The chart's values.schema.json: the autoscaler's own schemas where they meet, and the chart's values around them.

import { z } from 'zod';
import { budgetsSchema } from '../../packages/autoscaler/src/config/budget-schema.ts';
import { label } from '../../packages/autoscaler/src/config/schema-parts.ts';
import { autoscalerValues } from './autoscaler-values.ts';
import { helmSchema, type JsonSchema } from './json-schema.ts';
import { metricsValues } from './metrics-values.ts';
import { disruptionValues, imageValues, resourceValues } from './pod-values.ts';
import { defaultsValues, poolValues } from './pool-values.ts';
import { flag, kubernetesList, kubernetesObject, optionalText, seconds, textMap } from './value-parts.ts';

/** What the chart's values may say. */
function chartValues(): z.ZodObject {
  return z
    .strictObject({
      global: kubernetesObject('What Helm hands down from a parent chart.'),
      enabled: flag("For the condition of a parent chart's dependency; nothing here reads it."),
      nameOverride: optionalText('Takes the place of the chart in names.'),
      fullnameOverride: optionalText('Takes the place of release and chart in names.'),
      commonLabels: textMap('Labels of all objects.'),
      commonAnnotations: textMap('Annotations of all objects.'),
      image: imageValues('The image of workers and autoscaler, where they do not say otherwise.'),
      imagePullSecrets: kubernetesList('Secrets with which images are pulled.'),
      broker: endpoint('The broker.').extend({ transportOptions: kubernetesObject("Celery's broker_transport_options in camelCase.") }),
      resultBackend: endpoint('The result backend.').extend({
        transportOptions: kubernetesObject("Celery's result_backend_transport_options in camelCase."),
      }),
      tls: tlsValues(),
      sentinel: sentinelValues(),
      defaults: defaultsValues(),
      pools: z.record(label(z, 'a pool name'), poolValues().nullable()).describe('Worker pools by name.'),
      budgets: budgetsSchema(z),
      autoscaler: autoscalerValues(),
      metrics: metricsValues(),
      networkPolicy: networkPolicyValues(),
      podDisruptionBudget: disruptionValues('PodDisruptionBudget of each pool.'),
      tests: testValues(),
      extraObjects: z
        .array(z.union([z.record(z.string(), z.unknown()), z.string()]))
        .describe('Further objects, as objects or as templates.'),
    })
    .partial();
}

/** What values.schema.json says. */
export function valuesSchema(): JsonSchema {
  return { title: "Values of Celeriac's chart", ...helmSchema(chartValues()) };
}

function endpoint(text: string): z.ZodObject {
  return z
    .strictObject({
      url: optionalText('Its URL; a Secret is made of it.'),
      existingSecret: secretKey('A Secret that has the URL, in place of `url`.'),
    })
    .partial()
    .describe(text);
}

function secretKey(text: string): z.ZodObject {
  return z
    .strictObject({ name: optionalText('Name of the Secret.'), key: optionalText('Key in it.') })
    .partial()
    .describe(text);
}

function tlsValues(): z.ZodObject {
  const secret = optionalText('Name of the Secret.');
  return z
    .strictObject({
      ca: z
        .strictObject({ secret, key: optionalText('Key in it.') })
        .partial()
        .describe('The authority that signed the certificates of broker and backend.'),
      client: z
        .strictObject({ secret, certKey: optionalText('Key of the certificate.'), keyKey: optionalText('Key of the private key.') })
        .partial()
        .describe('The certificate that workers and autoscaler show.'),
    })
    .partial()
    .describe('TLS to broker and backend.');
}

function sentinelValues(): z.ZodObject {
  return z
    .strictObject({ secret: optionalText('Name of the Secret.'), key: optionalText('Key in it.') })
    .partial()
    .describe('The password that Redis Sentinel itself asks for.');
}

function networkPolicyValues(): z.ZodObject {
  return z
    .strictObject({
      enabled: flag('Makes them.'),
      ingressFrom: kubernetesList('Peers that may scrape metrics and ask the autoscaler.'),
      brokerEgress: kubernetesList('Egress rules to broker and result backend.'),
      workerEgress: kubernetesList('Further egress rules of workers.'),
      apiServerEgress: kubernetesList('Egress rules of the autoscaler to the API server.'),
    })
    .partial()
    .describe('NetworkPolicies.');
}

function testValues(): z.ZodObject {
  return z
    .strictObject({
      enabled: flag('Makes the pods of `helm test`.'),
      pool: optionalText('The pool that is tried.'),
      task: optionalText('A task it has.'),
      args: optionalText('Its arguments, a JSON array.'),
      timeoutSeconds: seconds('How long each test may take.', 1),
      backToZero: flag('Waits until the pool is back at zero.'),
      keepPods: flag('Keeps pods that succeeded, for `helm test --logs` of Helm 3.'),
      resources: resourceValues(),
    })
    .partial()
    .describe('`helm test`.');
}
