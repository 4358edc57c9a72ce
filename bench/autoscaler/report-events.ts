import { readable } from '../statistics.ts';
import type { EventFigures } from './event-flood.ts';

export const EVENTS_HEADING = '## Events of tasks';

/** The part of RESULTS.md about events; `about` says when and where it was measured. */
export function eventsMarkdown(figures: readonly (EventFigures & { readonly broker: string })[], about: string): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const head = ['broker', 'told a second', 'read a second', 'left unread a second', 'turn, mean ms', 'turn, 99 % within ms'];
  const rows = figures.map((row) => [
    row.broker,
    readable(row.rate),
    readable(row.read),
    readable(row.unread),
    readable(row.turnMeanMs),
    Number.isFinite(row.turnP99Ms) ? readable(row.turnP99Ms) : 'more than 5,000',
  ]);
  return `${EVENTS_HEADING}

${about}
One autoscaler with \`celery_*\` on decides for 20 local pools at zero while another process tells events of tasks (received, started, succeeded).
The 99 % are the bound of a bucket of \`celeriac_turn_duration_seconds\`.

${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}
`;
}
