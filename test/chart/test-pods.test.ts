// The pods of `helm test`, what is said after an installation, and the command lines in both.

import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { mentionedFlags } from '../architecture/markdown.ts';
import { CHART, runProgram } from './helm.ts';
import { minimal, withPool } from './minimal.ts';
import { type Container, containerOf, environmentOf, flagValue, type PodTemplate, podTemplates } from './pods.ts';
import { ciFile, ciNames, type Rendered, render, type Values } from './render.ts';

const CLI = resolve(import.meta.dirname, '../../packages/cli/src/main.ts');
const ROUND_TRIP = 'demo-celeriac-test-round-trip';
const FROM_ZERO = 'demo-celeriac-test-scale-from-zero';
const withResults = { ...minimal, resultBackend: { url: 'redis://redis/1' } };
const names = (rendered: Rendered): readonly string[] => rendered.of('Pod').map(({ metadata }) => metadata.name);
const testContainer = (rendered: Rendered, name: string): Container => {
  rendered.one('Pod', name);
  return containerOf(podTemplates(rendered).find(({ of }) => of === `Pod ${name}`) as PodTemplate);
};

describe.concurrent('the pods of helm test', () => {
  it('are hooks of their own, cleared away, with the image of the autoscaler and where broker and backend are', async () => {
    const rendered = await render(withResults);
    expect(names(rendered).toSorted()).toEqual([ROUND_TRIP, FROM_ZERO]);
    for (const name of [ROUND_TRIP, FROM_ZERO]) {
      const pod = rendered.one('Pod', name);
      expect(pod.metadata.annotations).toMatchObject({ 'helm.sh/hook': 'test' });
      expect(pod.metadata.annotations?.['helm.sh/hook-delete-policy']).toContain('before-hook-creation');
      expect(pod.spec).toMatchObject({ restartPolicy: 'Never', activeDeadlineSeconds: 900 });
      const container = testContainer(rendered, name);
      expect(container.image).toBe('celeriac/autoscaler:0.1.0');
      expect(Object.keys(environmentOf(container))).toEqual(expect.arrayContaining(['CELERY_BROKER_URL', 'CELERY_RESULT_BACKEND']));
    }
  });

  it('call a task of the pool and wait for its result', async () => {
    const tests = { task: 'tasks.ping', args: '["hello"]', timeoutSeconds: 1_000_000, pool: 'b' };
    const pools = { a: { queues: ['a'] }, b: { queues: ['b', 'c'], queueType: 'quorum' } };
    const container = testContainer(await render({ ...withResults, tests, pools }), ROUND_TRIP);
    expect(container.args?.slice(0, 2)).toEqual(['call', 'tasks.ping']);
    expect(flagValue(container, '--args')).toBe('["hello"]');
    expect(flagValue(container, '--queue')).toBe('b');
    expect(flagValue(container, '--wait')).toBe('1000000');
    expect(flagValue(container, '--queue-type')).toBe('quorum');
  });

  it('try the first pool that goes to zero, and ask the leader about it', async () => {
    const pools = {
      a: { queues: ['a'], scaling: { min: 1 } },
      b: { queues: ['b'], scaling: { by: 'none' } },
      c: { queues: ['c'] },
      d: { queues: ['d'] },
    };
    const rendered = await render({ ...withResults, pools, tests: { backToZero: false } });
    const env = environmentOf(testContainer(rendered, FROM_ZERO));
    expect(env).toMatchObject({ POOL: 'c', SERVER: 'http://demo-celeriac-autoscaler-leader:9810', BACK_TO_ZERO: 'false' });
    expect(JSON.parse(String(env['CALL']))).toEqual(testContainer(rendered, ROUND_TRIP).args);
  });

  it('wait for no result where none can come, and for no zero where no pool goes there', async () => {
    expect(names(await render(minimal))).toEqual([FROM_ZERO]);
    const call = JSON.parse(String(environmentOf(testContainer(await render(minimal), FROM_ZERO))['CALL'])) as readonly string[];
    expect(call).not.toContain('--wait');
    expect(names(await render({ ...withPool({ scaling: { min: 1 } }), resultBackend: { url: 'redis://r' } }))).toEqual([ROUND_TRIP]);
    expect(names(await render({ ...minimal, tests: { enabled: false } }))).toEqual([]);
  });
});

async function help(command: string): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@celeriac/source', CLI, command, '--help']);
  return stdout;
}

it('every command and flag that a container gets is one that the command line has', async () => {
  const unknown: string[] = [];
  const helps = new Map<string, Promise<string>>();
  for (const over of ciNames()) {
    for (const { of, spec } of podTemplates(await render({}, { over }))) {
      const { args = [], command } = (spec['containers'] as readonly Container[])[0] as Container;
      if (command !== undefined) continue;
      const [name = '', ...rest] = args;
      const known = helps.get(name) ?? help(name);
      helps.set(name, known);
      const words: readonly string[] = (await known).match(/(?<![\w-])--?[a-zA-Z][\w-]*/g) ?? [];
      unknown.push(...rest.filter((word) => /^-{1,2}[a-zA-Z]/.test(word) && !words.includes(word)).map((word) => `${of}: ${name} ${word}`));
    }
  }
  expect(unknown).toEqual([]);
  expect([...helps.keys()].toSorted()).toEqual(['autoscale', 'call', 'worker']);
});

describe.concurrent('what is said after an installation', () => {
  // Only Helm 4 can be asked without a cluster; with both on a real one: test/cluster.
  const notes = async (values: Values, over?: string): Promise<string> => {
    const files = over === undefined ? [] : ['--values', ciFile(over)];
    // No cluster that could know further kinds is asked: monitors and KEDA are left out.
    const args = ['install', 'demo', CHART, '--namespace', 'jobs', '--dry-run=client', ...files, '--values', '-'];
    const { code, stdout, stderr } = await runProgram('helm4', args, JSON.stringify(values));
    expect(code, stderr).toBe(0);
    return stdout.slice(stdout.indexOf('NOTES:'));
  };

  it('are the pools and three commands, which exist', async () => {
    const said = await notes({}, 'many-pools');
    for (const line of [
      'default: celery, priority -> Deployment demo-celeriac-default, 0 to 20 replicas by celeriac',
      'legacy: legacy -> Deployment legacy-worker in legacy, 0 to 20 replicas by celeriac',
      'singleton: singleton -> Deployment demo-celeriac-singleton, 1 replicas',
    ])
      expect(said).toContain(line);
    expect(said.match(/^ {2}[1-3]\. /gm)).toHaveLength(3);
    expect(said).toContain('helm test demo --namespace jobs');
    const mentioned = mentionedFlags(`\`\`\`\n${said.replaceAll(/.* -- (celeriac .*)/g, '$1')}\n\`\`\``);
    expect(mentioned.length).toBeGreaterThan(0);
    for (const { command, flags } of mentioned) for (const flag of flags) expect(await help(command)).toContain(flag);
  });

  it('says that a URL in values can be read there, and never the URL', async () => {
    const inline = await notes({ ...minimal, broker: { url: 'redis://:hidden@redis' } });
    expect(inline).toContain('broker.existingSecret.name');
    expect(inline).not.toContain('hidden');
    expect(await notes({ ...minimal, broker: { existingSecret: { name: 'b' } } })).not.toContain('broker.existingSecret.name');
  });
});
