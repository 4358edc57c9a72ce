// A real Prometheus on a free loopback port with a folder of its own, scraping once a second, stopped by pid.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../brokers/free-port.ts';
import { spawnProcess } from '../spawned-process.ts';
import { until } from '../until.ts';

const PROGRAM = '/usr/bin/prometheus';

/** How often everything is scraped, seconds. */
export const SCRAPE_S = 1;

/** Something that is scraped. */
export interface Target {
  readonly job: string;
  /** `127.0.0.1:9810` */
  readonly address: string;
  /** Labels put on all its series, as a ServiceMonitor or PodMonitor puts them. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** One series of an answer; times in seconds since the epoch. */
export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [atS: number, value: number])[];
}

/** A span of time, seconds since the epoch. */
export interface Span {
  readonly fromS: number;
  readonly toS: number;
}

export interface Prometheus {
  readonly url: string;
  /** Resolves when a scrape of every one of these has worked. */
  scraped(targets: readonly Target[], timeoutMs?: number): Promise<void>;
  /** The value at a time; rejects where Prometheus refuses the query, with its reason. */
  query(expr: string, atS: number): Promise<readonly Series[]>;
  queryRange(expr: string, span: Span, stepS: number): Promise<readonly Series[]>;
  /** Values of a label of the series that match a selector. */
  labelValues(selector: string, label: string, span: Span): Promise<readonly string[]>;
  /** Rules and how their last evaluation went. */
  rules(): Promise<readonly { readonly name: string; readonly health: string; readonly lastError?: string; readonly state: string }[]>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Answer<T> {
  readonly status: string;
  readonly error?: string;
  readonly data: T;
}

type Sample = readonly [atS: number, value: string];

interface ActiveTarget {
  readonly labels: Readonly<Record<string, string>>;
  readonly health: string;
  readonly lastError: string;
}

interface Found {
  readonly result: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly value?: Sample;
    readonly values?: readonly Sample[];
  }[];
}

/** Starts it. `targets` is asked once a second for what there is to scrape; `rules` are paths of rule files. */
export async function startPrometheus(targets: () => readonly Target[], rules: readonly string[] = []): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-prometheus-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const discovery = createServer((_request, response) => {
    const groups = targets().map(({ job, address, labels }) => ({ targets: [address], labels: { ...labels, job } }));
    response.setHeader('content-type', 'application/json').end(JSON.stringify(groups));
  });
  await new Promise<void>((resolve) => discovery.listen(0, '127.0.0.1', resolve));
  const sources = [{ url: `http://127.0.0.1:${(discovery.address() as AddressInfo).port}/`, refresh_interval: '1s' }];
  const interval = `${SCRAPE_S}s`;
  const config = {
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: rules,
    scrape_configs: [{ job_name: 'discovered', http_sd_configs: sources }],
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const args = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ];
  const server = spawnProcess(PROGRAM, args, { cwd: folder });
  const ask = async <T>(path: string, query: Readonly<Record<string, string>> = {}): Promise<T> => {
    const answer = (await (await fetch(`${url}/api/v1/${path}?${new URLSearchParams(query).toString()}`)).json()) as Answer<T>;
    if (answer.status !== 'success') throw new Error(`${path} ${JSON.stringify(query)}: ${answer.error}`);
    return answer.data;
  };
  const seriesOf = ({ result }: Found): readonly Series[] =>
    result.map(({ metric, value, values }) => ({
      metric,
      values: (values ?? (value === undefined ? [] : [value])).map(([atS, text]) => [atS, numberOf(text)] as const),
    }));
  const stop = async (): Promise<void> => {
    await server.stop();
    discovery.closeAllConnections();
    discovery.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const isReady = async (): Promise<boolean> => {
      if (server.child.exitCode !== null) throw new Error(`${PROGRAM} ended: ${server.output()}`);
      return (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok === true;
    };
    await until(isReady, { timeoutMs: 60_000, what: 'Prometheus' });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    async scraped(wanted, timeoutMs = 60_000) {
      let faults: readonly string[] = [];
      const isUp = async (): Promise<boolean> => {
        const { activeTargets } = await ask<{ activeTargets: readonly ActiveTarget[] }>('targets');
        faults = wanted.flatMap(({ job, address }) => {
          const found = activeTargets.find(({ labels }) => labels['job'] === job && labels['instance'] === address);
          return found?.health === 'up' ? [] : [`${job} ${address}: ${found?.lastError ?? 'not known'}`];
        });
        return faults.length === 0;
      };
      await until(isUp, { timeoutMs, everyMs: 200, what: 'a scrape of everything' }).catch((error: Error) => {
        throw new Error(`${error.message}\n${faults.join('\n')}`);
      });
    },
    query: async (expr, atS) => seriesOf(await ask<Found>('query', { query: expr, time: String(atS) })),
    queryRange: async (expr, { fromS, toS }, stepS) =>
      seriesOf(await ask<Found>('query_range', { query: expr, start: String(fromS), end: String(toS), step: String(stepS) })),
    labelValues: (selector, label, { fromS, toS }) =>
      ask<readonly string[]>(`label/${label}/values`, { 'match[]': selector, start: String(fromS), end: String(toS) }),
    async rules() {
      const { groups } = await ask<{ groups: readonly { rules: Awaited<ReturnType<Prometheus['rules']>> }[] }>('rules');
      return groups.flatMap((group) => group.rules);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}
