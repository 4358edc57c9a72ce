import { DATASOURCE, type Json } from './panel-json.ts';

/** A variable that is filled with the values of a label. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  /** The label whose values it has. */
  readonly of: string;
  /** A selector of series that have it. */
  readonly series: string;
  /** One value, or some, or all. */
  readonly choose: 'one' | 'many';
}

/** Which Prometheus: every other variable and every panel follows it. */
export const datasourceVariable: Json = {
  name: 'datasource',
  label: 'Data source',
  type: 'datasource',
  query: 'prometheus',
  regex: '',
  current: {},
  hide: 0,
  includeAll: false,
  multi: false,
  options: [],
  refresh: 1,
};

/** A variable as Grafana stores it. All is `.*`, which also takes series without the label: not every Prometheus adds `namespace`. */
export function variableJson({ name, label, of, series, choose }: Variable): Json {
  const definition = `label_values(${series}, ${of})`;
  const many = choose === 'many';
  return {
    name,
    label,
    type: 'query',
    datasource: DATASOURCE,
    definition,
    query: { query: definition, refId: `Variable-${name}`, qryType: 1 },
    refresh: 2,
    sort: 1,
    regex: '',
    hide: 0,
    includeAll: many,
    multi: many,
    ...(many ? { allValue: '.*', current: { selected: true, text: ['All'], value: ['$__all'] } } : { current: {} }),
    options: [],
  };
}
