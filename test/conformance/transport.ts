import { afterEach, beforeEach, describe } from 'vitest';
import { busCases } from './transport-bus-cases.ts';
import { creditCases } from './transport-credit-cases.ts';
import { lossCases } from './transport-loss-cases.ts';
import { publishCases } from './transport-publish-cases.ts';
import { putAwayCases } from './transport-put-away-cases.ts';
import { queueCases } from './transport-queue-cases.ts';
import type { TransportRig } from './transport-rig.ts';
import { settleCases } from './transport-settle-cases.ts';

/** Judges a transport by what transport.ts and delivery.ts promise. `makeRig` is called for each test. */
export function transportConformance(name: string, makeRig: () => TransportRig | Promise<TransportRig>): void {
  describe(`transport: ${name}`, () => {
    let rig: TransportRig;
    beforeEach(async () => {
      rig = await makeRig();
    });
    afterEach(async () => {
      await rig.stop();
    });
    const current = (): TransportRig => rig;
    describe('publishing', () => publishCases(current));
    describe('settling', () => settleCases(current));
    describe('credit and queues', () => creditCases(current));
    describe('losses', () => lossCases(current));
    describe('parking and quarantine', () => putAwayCases(current));
    describe('queue operations', () => queueCases(current));
    describe('bus', () => busCases(current));
  });
}
