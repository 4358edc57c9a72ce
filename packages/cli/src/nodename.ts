/**
 * Expands Celery's `%h` (host name), `%n` (its first part) and `%d` (its domain); `%%` is a percent sign. A name without `@` becomes
 * `name@host` (celery/utils/nodenames.py).
 */
export function expandNodename(pattern: string, host: string): string {
  const dot = host.indexOf('.');
  const values: Readonly<Record<string, string>> = {
    '%h': host,
    '%n': dot === -1 ? host : host.slice(0, dot),
    '%d': dot === -1 ? '' : host.slice(dot + 1),
    '%%': '%',
  };
  const expanded = pattern.replace(/%[hnd%]/g, (found) => values[found] ?? found);
  return expanded.includes('@') ? expanded : `${expanded}@${host}`;
}
