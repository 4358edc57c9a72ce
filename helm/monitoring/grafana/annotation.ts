import type { Color } from './panel.ts';
import { DATASOURCE, type Json } from './panel-json.ts';

/** Marks on the time axis, made of a query: one for each point that is not 0. */
export interface Annotation {
  readonly name: string;
  readonly expr: string;
  readonly color: Color;
  /** With `{{label}}`. */
  readonly title: string;
  readonly text: string;
  /** Labels that become tags. */
  readonly tags: readonly string[];
  /** The value is the time of the mark, ms since the epoch, whenever it was scraped. Default false. */
  readonly valueIsTime?: boolean;
}

/** An annotation as Grafana's datasource for Prometheus reads it (packages/grafana-prometheus/src/annotations.ts). */
export function annotationJson({ name, expr, color, title, text, tags, valueIsTime }: Annotation): Json {
  return {
    name,
    datasource: DATASOURCE,
    enable: true,
    hide: false,
    iconColor: color,
    expr,
    step: '15s',
    titleFormat: title,
    textFormat: text,
    tagKeys: tags.join(','),
    useValueForTime: valueIsTime === true,
  };
}
