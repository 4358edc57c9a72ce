// node --import: appends the URL of every module this process loads to a file of its own in the folder RECORD_LOADS_IN.

import { appendFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join } from 'node:path';

const folder = process.env.RECORD_LOADS_IN;
if (folder !== undefined) {
  const file = join(folder, `${process.pid}.txt`);
  appendFileSync(file, `# ${process.argv.slice(1).join(' ')}\n`);
  registerHooks({
    load(url, context, next) {
      appendFileSync(file, `${url}\n`);
      return next(url, context);
    },
  });
}
