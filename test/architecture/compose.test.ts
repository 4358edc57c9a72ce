// The tour in docker/compose.yaml: no engine runs it here, so it is held against the schema of the Compose Specification, and what it says
// of ours against our own code. fixtures/README.md says where the schema is from.

import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { readPools } from '@celeriac/autoscaler';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { ROOT } from './source-files.ts';

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile?: string; readonly target?: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, object>>;
}

const DOCKER = join(ROOT, 'docker');
const read = (path: string): string => readFileSync(join(DOCKER, path), 'utf8');
const compose = parse(read('compose.yaml'), { merge: true }) as Compose;
const services = Object.entries(compose.services);

/** zod looks for `definitions` where it is told the draft by itself. */
function composeSchema(): z.ZodType {
  const { $schema, ...schema } = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures/compose-spec.json'), 'utf8')) as object & {
    readonly $schema: string;
  };
  expect($schema).toContain('draft-07');
  return z.fromJSONSchema(schema, { defaultTarget: 'draft-7' });
}

describe('docker/compose.yaml', () => {
  it('is what the Compose Specification allows', () => {
    const result = composeSchema().safeParse(compose);
    expect(result.error?.issues ?? []).toEqual([]);
  });

  it.each<[string, object]>([
    ['an unknown key of a service', { services: { a: { image: 'x', prots: ['1:1'] } } }],
    ['ports that are no list', { services: { a: { image: 'x', ports: 5 } } }],
    ['an unknown condition', { services: { a: { image: 'x', depends_on: { b: { condition: 'service_up' } } } } }],
    ['an unknown top level', { servcies: {} }],
  ])('would be refused with %s', (_what, wrong) => {
    expect(composeSchema().safeParse(wrong).success).toBe(false);
  });

  it('has everything the tour is about', () => {
    const names = ['rabbitmq', 'redis', 'autoscaler', 'python', 'flower', 'prometheus', 'grafana'];
    expect(Object.keys(compose.services).toSorted()).toEqual(names.toSorted());
  });

  it('mounts files and builds folders that exist', () => {
    const sources = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0] ?? ''));
    const files = sources.filter((source) => source.startsWith('.'));
    expect(files.length).toBeGreaterThan(3);
    expect(files.filter((source) => !existsSync(resolve(DOCKER, source)))).toEqual([]);
    for (const named of sources.filter((source) => !source.startsWith('.'))) expect(compose.volumes).toHaveProperty(named);
    for (const [, { build }] of services) {
      if (build === undefined) continue;
      const dockerfile = resolve(DOCKER, build.context, build.dockerfile ?? 'Dockerfile');
      expect(existsSync(dockerfile), dockerfile).toBe(true);
      if (build.target !== undefined) expect(readFileSync(dockerfile, 'utf8')).toContain(` AS ${build.target}\n`);
    }
  });

  it('pins every image that it does not build, and listens on the loopback address only', () => {
    for (const [name, { image, build, ports = [] }] of services) {
      if (build === undefined) expect(image, name).toMatch(/^docker\.io\/[\w/-]+:[\w.-]*\d[\w.-]*$/);
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    }
  });

  it('runs ours with a read-only root and without capabilities', () => {
    const ours = services.filter(([, { build }]) => build !== undefined);
    expect(ours).toHaveLength(2);
    for (const [, service] of ours) expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
  });

  it('calls celeriac with flags that it has', async () => {
    const { readable } = await pool();
    const commands = [compose.services['autoscaler']?.command ?? [], readable.slice(1)];
    for (const [command = '', ...args] of commands) {
      const cli = [join(ROOT, 'packages/cli/src/main.ts'), command, '--help'];
      const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@celeriac/source', ...cli], { cwd: ROOT });
      const known: readonly string[] = stdout.match(/(?<![\w-])--?[a-zA-Z][\w-]*/g) ?? [];
      expect(args.filter((word) => /^--?[a-zA-Z]/.test(word) && !known.includes(word))).toEqual([]);
    }
  });

  it('has pools that the autoscaler reads, from zero to some', async () => {
    const { readable, config } = await pool();
    expect(readable[0]).toBe('celeriac');
    expect(config.pools.map(({ spec }) => [spec.pool, spec.min, spec.max])).toEqual([['node', 0, 4]]);
  });

  it("has a Prometheus that scrapes the autoscaler's two addresses", () => {
    const listening = (compose.services['autoscaler']?.command ?? []).flatMap((word) => /^0\.0\.0\.0:(\d+)$/.exec(word)?.[1] ?? []);
    const config = parse(read('prometheus/prometheus.yml')) as {
      readonly scrape_configs: readonly { readonly job_name: string; readonly static_configs: readonly [{ readonly targets: string[] }] }[];
    };
    const targets = config.scrape_configs.flatMap(({ static_configs }) => static_configs[0].targets);
    expect(targets).toEqual(listening.map((port) => `autoscaler:${port}`));
  });

  it('has a Grafana that finds its data source and the dashboards of the chart', () => {
    const provider = parse(read('grafana/provisioning/dashboards/celeriac.yaml')) as {
      readonly providers: readonly [{ readonly options: { readonly path: string } }];
    };
    const { path } = provider.providers[0].options;
    const mounted = compose.services['grafana']?.volumes?.find((volume) => volume.split(':')[1] === path)?.split(':')[0] ?? '';
    const dashboards = readdirSync(resolve(DOCKER, mounted)).filter((name) => name.endsWith('.json'));
    expect(dashboards).toContain('fleet-overview.json');
    expect(compose.services['grafana']?.environment?.['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH']).toBe(`${path}/fleet-overview.json`);
    const source = parse(read('grafana/provisioning/datasources/prometheus.yaml')) as {
      readonly datasources: readonly [{ readonly url: string; readonly type: string }];
    };
    expect(source.datasources[0]).toMatchObject({ type: 'prometheus', url: 'http://prometheus:9090' });
  });
});

async function pool(): Promise<{ readonly readable: readonly string[]; readonly config: Awaited<ReturnType<typeof readPools>> }> {
  const text = read('compose/pools.yaml');
  const file = parse(text) as {
    readonly pools: { readonly node: { readonly target: { readonly local: { readonly command: string[] } } } };
  };
  return { readable: file.pools.node.target.local.command, config: await readPools(text, 'pools.yaml') };
}
