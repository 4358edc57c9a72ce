import type { Explanation } from '@celeriac/autoscaler';
import type { Command } from 'commander';
import { addServerOption, askAutoscaler, type ServerOption } from '../autoscaler-api.ts';
import { addOutputOption, type OutputOption, print } from '../output.ts';

async function explain(pool: string, options: ServerOption & OutputOption): Promise<void> {
  const explanation = (await askAutoscaler(options.server, `/api/pools/${encodeURIComponent(pool)}/explain`)) as Explanation;
  const list = (lines: readonly string[]): string => lines.map((line) => `  ${line}`).join('\n');
  const change = explanation.wouldChange.length === 0 ? '  nothing foreseen' : list(explanation.wouldChange);
  print(
    options.output,
    explanation,
    `${explanation.pool}\nwhy this number now\n${list(explanation.because)}\nwhat would change it\n${change}`,
  );
}

/** `celeriac explain POOL` */
export function configure(command: Command): void {
  addOutputOption(addServerOption(command)).argument('<pool>', 'name of the pool').action(explain);
}
