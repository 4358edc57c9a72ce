// npm run clean: removes what a build makes. `tsc -b` keeps the output of deleted sources, so a release begins with this.

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './ensure-installed.mjs';

const folders = readdirSync(join(ROOT, 'packages')).map((name) => join(ROOT, 'packages', name));
for (const folder of [ROOT, ...folders]) {
  for (const name of ['dist', '.turbo', 'coverage']) rmSync(join(folder, name), { recursive: true, force: true });
}
