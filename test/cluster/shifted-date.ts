// For `node --import`: a process whose wall clock can be set to another time while it runs, as ntpd and administrators do. SIGUSR2 reads the
// offset in ms from the file named by SHIFTED_DATE_FILE. The monotonic clock goes on as it was.

import { readFileSync } from 'node:fs';

const RealDate = Date;
let offsetMs = 0;

class ShiftedDate extends RealDate {
  constructor(...args: readonly unknown[]) {
    if (args.length === 0) super(RealDate.now() + offsetMs);
    else super(...(args as [number]));
  }

  static override now(): number {
    return RealDate.now() + offsetMs;
  }
}

globalThis.Date = ShiftedDate as DateConstructor;
process.on('SIGUSR2', () => {
  offsetMs = Number(readFileSync(process.env['SHIFTED_DATE_FILE'] ?? '', 'utf8'));
});
