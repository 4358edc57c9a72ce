import type { TaskNeeds } from '@celeriac/protocol';
import { InvalidArgumentError } from 'commander';

/**
 * What a task needs, as `cpu=2,memory=4Gi,gpu=1,gpu.model=t4,image=ml:*,labels.zone=a,pool=large`. What the names and values mean is checked where
 * the task is sent.
 */
export function taskNeeds(text: string): TaskNeeds {
  const needs: Record<string, unknown> = {};
  const labels: Record<string, string> = {};
  const gpu: Record<string, unknown> = {};
  for (const part of text.split(',')) {
    const [, name, value] = /^\s*([A-Za-z][^=]*?)\s*=\s*(.+?)\s*$/.exec(part) ?? [];
    if (name === undefined || value === undefined) throw new InvalidArgumentError('NAME=VALUE is needed, for example cpu=2,memory=4Gi');
    if (name.startsWith('labels.')) labels[name.slice('labels.'.length)] = value;
    else if (name === 'gpu' || name === 'gpu.count') gpu['count'] = Number.isFinite(Number(value)) ? Number(value) : value;
    else if (name.startsWith('gpu.')) gpu[name.slice('gpu.'.length)] = value;
    else needs[name] = value;
  }
  return {
    ...needs,
    ...(Object.keys(gpu).length > 0 && { gpu }),
    ...(Object.keys(labels).length > 0 && { labels }),
  };
}
