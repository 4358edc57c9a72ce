// A task module that is mounted from a ConfigMap, and what it is called by. The module's text is in `fixtures`.

import { contract } from '@celeriac/protocol';

/** Posts `/start/ID` and `/end/ID` to the ledger, so many milliseconds apart. */
export const work = contract<(ledger: string, id: string, ms: number) => string>('image.work', { params: ['ledger', 'id', 'ms'] });

/** Leaves a grandchild behind whose parent ends before it; returns its pid. */
export const orphan = contract<() => number>('image.orphan', { params: [] });

/** Writes a file; resolves with the error's code, or null where that went well. */
export const write = contract<(path: string) => string | null>('image.write', { params: ['path'] });
