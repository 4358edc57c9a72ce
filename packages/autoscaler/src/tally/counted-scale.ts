import { kubeFailure } from '../kubernetes/failure.ts';
import type { ScaleWrite, ScaleWriter } from '../kubernetes/scale-writer.ts';
import type { PoolTally } from './tally.ts';

/** A writer of replicas that counts how its writes end. */
export function countedScale(scale: ScaleWriter, tally: Pick<PoolTally, 'add'>): ScaleWriter {
  const counted = async (writing: Promise<ScaleWrite>): Promise<ScaleWrite> => {
    try {
      const written = await writing;
      tally.add('scale_writes', written.kind);
      return written;
    } catch (error) {
      const failure = kubeFailure(error);
      tally.add('scale_writes', failure?.reason === 'MayNotWrite' || failure?.status === 403 ? 'refused' : 'failed');
      throw error;
    }
  };
  return {
    readScale: (namespace, name) => scale.readScale(namespace, name),
    writeScale: (write) => counted(scale.writeScale(write)),
    moveScale: (write) => counted(scale.moveScale(write)),
  };
}
