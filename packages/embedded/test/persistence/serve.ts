// A broker in a process of its own, so that a test can kill it.
import { createEmbeddedBroker } from '../../src/index.ts';

const [dbFile, rewriteAboveBytes] = process.argv.slice(2);
const broker = await createEmbeddedBroker({ dbFile: dbFile!, rewriteAboveBytes: Number(rewriteAboveBytes) });
process.stdout.write(`${broker.port}\n`);
