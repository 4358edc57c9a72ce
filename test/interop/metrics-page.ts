// A page in Prometheus' text format, taken apart.

/** A page: every series as it is written, with its value, and what stands above each metric. */
export interface MetricsPage {
  /** Values by series, as `name{a="1",b="2"}`. */
  readonly series: ReadonlyMap<string, string>;
  /** `# HELP` and `# TYPE` lines. */
  readonly heads: ReadonlySet<string>;
  readonly contentType: string | null;
}

/** Reads a page and takes it apart. Throws where it is not there. */
export async function readMetricsPage(url: string): Promise<MetricsPage> {
  const response = await fetch(url);
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  const lines = text.split('\n').filter((line) => line !== '');
  const isHead = (line: string): boolean => line.startsWith('#');
  return {
    series: new Map(
      lines.filter((line) => !isHead(line)).map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]),
    ),
    heads: new Set(lines.filter(isHead)),
    contentType: response.headers.get('content-type'),
  };
}

/** The series of some metrics, by the beginning of their names; `except` leaves others out. */
export function seriesOf(page: MetricsPage, except: RegExp): Readonly<Record<string, string>> {
  return Object.fromEntries([...page.series].filter(([name]) => !except.test(name)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The sum of all series of a metric whose labels contain these. */
export function sumOf(page: MetricsPage, metric: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  let sum = 0;
  for (const [name, value] of page.series) {
    const [of, rest = ''] = name.split('{', 2);
    if (of === metric && wanted.every((label) => rest.includes(label))) sum += Number(value);
  }
  return sum;
}
