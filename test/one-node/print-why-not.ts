// For scripts/prerequisites.mjs: prints the answer of whyNoOneNode() as one line of JSON.

import { whyNoOneNode } from './why-not.ts';

process.stdout.write(`${JSON.stringify(await whyNoOneNode())}\n`);
