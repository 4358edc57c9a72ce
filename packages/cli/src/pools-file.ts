import { readFile } from 'node:fs/promises';
import { CeleriacError, type PoolList } from '@celeriac/protocol';

/**
 * The pools of a pools.yaml, for sending tasks to them; loads what reads such files.
 * @throws CeleriacError CELERIAC_E_CONFIG with every fault and its line
 */
export async function readPoolList(file: string): Promise<PoolList> {
  const { poolListOf, readPools } = await import('@celeriac/autoscaler');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new CeleriacError('CELERIAC_E_CONFIG', `cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
  return poolListOf(await readPools(text, file));
}
