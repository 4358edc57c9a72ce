// Panels of a Grafana 11 dashboard, as far as ours need them.

/** One query of a panel. */
export interface Query {
  readonly expr: string;
  /** Name of its series, with `{{label}}`. */
  readonly legend: string;
  /** Asks for the end of the time range only. Default: what the panel is made for. */
  readonly instant?: boolean;
}

/** How some series of a panel differ from the others. */
export interface Override {
  /** A regular expression on the name of the series, or the name of a table's column. */
  readonly series: RegExp | string;
  readonly unit?: Unit;
  readonly color?: Color;
  readonly axis?: 'right';
  readonly dashed?: boolean;
  /** Fills below the line, percent. */
  readonly fill?: number;
  readonly draw?: 'line' | 'bars';
  /** Where a click on a cell of a table leads. */
  readonly link?: { readonly title: string; readonly url: string };
  /** Colours a cell of a table from these values on. */
  readonly thresholds?: Thresholds;
  /** Under another name. */
  readonly named?: string;
}

/** Grafana's ids of units (packages/grafana-data/src/valueFormats/categories.ts): `suffix:` for words of our own. */
export type Unit =
  | 's'
  | 'bytes'
  | 'percentunit'
  | 'reqps'
  | 'cps'
  | 'short'
  | 'none'
  | 'bool_yes_no'
  | 'dateTimeAsIso'
  | `suffix: ${string}`;

/** Grafana's names of colours. */
export type Color = 'green' | 'blue' | 'orange' | 'red' | 'yellow' | 'purple' | 'text' | 'semi-dark-blue' | 'dark-red' | 'light-blue';

/** Colours by value: the first for everything below the second's value. */
export type Thresholds = readonly [Color, ...(readonly [from: number, color: Color])[]];

interface Base {
  readonly title: string;
  /** What it shows and how to read it. */
  readonly description: string;
  readonly unit: Unit;
  /** Of 24. */
  readonly width: number;
  /** Rows of the grid. */
  readonly height?: number;
  readonly queries: readonly Query[];
  readonly overrides?: readonly Override[];
  readonly thresholds?: Thresholds;
}

/** Lines over time. */
export interface TimeSeries extends Base {
  readonly kind: 'timeseries';
  readonly stacked?: boolean;
  /** Values hold until the next one, as numbers of replicas do. */
  readonly steps?: boolean;
  /** Default 10. */
  readonly fill?: number;
  readonly max?: number;
  /** One panel for each value of this variable. */
  readonly repeat?: string;
}

/** One number for each query or series. */
export interface Stat extends Base {
  readonly kind: 'stat';
  /** Words for values. */
  readonly words?: Readonly<Record<string, readonly [text: string, color: Color]>>;
  /** Shows the names of the series, not the numbers. */
  readonly names?: boolean;
}

/** Which state each series was in, over time. */
export interface StateTimeline extends Base {
  readonly kind: 'state-timeline';
  readonly words: Readonly<Record<string, readonly [text: string, color: Color]>>;
}

/** A table with a row for each set of labels; the legend of a query is the name of its column. */
export interface Table extends Base {
  readonly kind: 'table';
  /** Labels that are shown, in their order, before the columns of the queries. */
  readonly labels: readonly string[];
  /** Column by which it is sorted, largest first. */
  readonly sortBy?: string;
}

export type Panel = TimeSeries | Stat | StateTimeline | Table;

/** A headline with the panels below it. */
export interface Row {
  readonly title: string;
  readonly collapsed?: boolean;
  readonly panels: readonly Panel[];
}
