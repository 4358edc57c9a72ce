/** One metric as it is exported: what is made, and what docs/metrics.md says of it. */
export interface MetricDeclaration {
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  /** Names of its labels in the order in which they are written. */
  readonly labels: readonly string[];
  /** What one of its values counts or measures, such as `seconds`; `1` for what is only there or not, or a share. */
  readonly unit: string;
  /** One sentence, written above its series. */
  readonly help: string;
  /** Upper bounds of a histogram's buckets, ascending, without the infinite one. */
  readonly buckets?: readonly number[];
}

/** Metrics that are made together, by the name the code calls them. */
export type MetricTable = Readonly<Record<string, MetricDeclaration>>;
