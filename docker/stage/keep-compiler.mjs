// Takes every development tool but the compiler and the type declarations out of package.json: an image is built with nothing else.

import { readFileSync, writeFileSync } from 'node:fs';

const description = JSON.parse(readFileSync('package.json', 'utf8'));
const kept = Object.entries(description.devDependencies).filter(([name]) => name === 'typescript' || name.startsWith('@types/'));
writeFileSync('package.json', `${JSON.stringify({ ...description, devDependencies: Object.fromEntries(kept) }, null, 2)}\n`);
