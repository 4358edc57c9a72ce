// What Grafana makes of a query before it sends it to Prometheus (packages/grafana-prometheus/src/datasource.ts).

export interface GrafanaTime {
  /** Length of the dashboard's time range, seconds. */
  readonly rangeS: number;
  /** Between two points of a panel, seconds. */
  readonly stepS: number;
  /** The datasource's scrape interval, seconds. */
  readonly scrapeS: number;
}

/** Chosen values by the name of the variable; null is All. */
export type Chosen = Readonly<Record<string, readonly string[] | null>>;

/** Fills in `$__rate_interval` and its like, and the variables; throws for a variable that nobody has chosen a value of. */
export function interpolate(expr: string, time: GrafanaTime, chosen: Chosen): string {
  const rateS = Math.max(time.stepS + time.scrapeS, 4 * time.scrapeS);
  const builtIn: Readonly<Record<string, string>> = {
    __rate_interval: `${rateS}s`,
    __interval: `${time.stepS}s`,
    __range: `${time.rangeS}s`,
  };
  return expr.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_match, braced: string | undefined, bare: string | undefined) => {
    const name = braced ?? bare ?? '';
    const value = builtIn[name];
    if (value !== undefined) return value;
    const values = chosen[name];
    if (values === undefined) throw new Error(`no value of $${name} in ${expr}`);
    return values === null ? '.*' : pattern(values);
  });
}

/** Some values as one regular expression within a string of PromQL. */
function pattern(values: readonly string[]): string {
  const escaped = values.map((value) => value.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\\\$&'));
  return escaped.length === 1 ? (escaped[0] ?? '') : `(${escaped.join('|')})`;
}
