// For scripts/prerequisites.mjs: prints the answer of kubernetesAssets() as one line of JSON.

import { kubernetesAssets } from './assets.ts';

process.stdout.write(`${JSON.stringify(await kubernetesAssets())}\n`);
