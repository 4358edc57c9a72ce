import { CeleriacError } from '@celeriac/protocol';
import { expect, test } from 'vitest';
import { retryRefusedPublish } from '../src/publish-retry.ts';

/** A publish that fails with one code, `failures` times. */
function failing(
  code: 'CELERIAC_E_PUBLISH' | 'CELERIAC_E_PUBLISH_UNCERTAIN',
  failures: number,
): { publish(): Promise<void>; tries: number } {
  const broker = {
    tries: 0,
    async publish(): Promise<void> {
      broker.tries += 1;
      if (broker.tries <= failures) throw new CeleriacError(code, 'not now');
    },
  };
  return broker;
}

const noWait = { intervalStepMs: 0 };

test('what the broker did not take is tried again, at most three times by default', async () => {
  const broker = failing('CELERIAC_E_PUBLISH', 3);
  await retryRefusedPublish(() => broker.publish(), 15_000, noWait);
  expect(broker.tries).toBe(4);

  const lasting = failing('CELERIAC_E_PUBLISH', 10);
  await expect(retryRefusedPublish(() => lasting.publish(), 15_000, noWait)).rejects.toThrow('CELERIAC_E_PUBLISH');
  expect(lasting.tries).toBe(4);
});

test('what it may have taken is not tried again', async () => {
  const broker = failing('CELERIAC_E_PUBLISH_UNCERTAIN', 1);
  await expect(retryRefusedPublish(() => broker.publish(), 15_000, noWait)).rejects.toThrow('CELERIAC_E_PUBLISH_UNCERTAIN');
  expect(broker.tries).toBe(1);
});

test('no try begins when the time is up', async () => {
  const broker = failing('CELERIAC_E_PUBLISH', 10);
  await expect(retryRefusedPublish(() => broker.publish(), 100, { intervalStartMs: 100, intervalStepMs: 0 })).rejects.toThrow('not now');
  expect(broker.tries).toBe(1);
});
