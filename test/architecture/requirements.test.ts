import { describe, expect, it } from 'vitest';

type Missing = ReadonlyMap<string, string>;
const { unavailableTests } = (await import(new URL('../../scripts/test-requirements.mjs', import.meta.url).href)) as {
  unavailableTests(missing: Missing): ReadonlyMap<string, readonly string[]>;
};

describe('what npm test leaves out', () => {
  it('is nothing when nothing is missing', () => {
    expect(unavailableTests(new Map()).size).toBe(0);
  });

  it('is each file that needs what is missing, by what it imports, with the reason', () => {
    const out = unavailableTests(new Map([['rabbitmq', 'no RabbitMQ here']]));
    expect(out.get('test/architecture/lazy.test.ts')).toEqual(['no RabbitMQ here']);
    expect(out.has('test/architecture/source-rules.test.ts')).toBe(false);
    expect(out.has('test/e2e/node-22.test.ts')).toBe(false);
  });

  it('is the tests in a cluster where its programs are missing', () => {
    const out = unavailableTests(new Map([['kubernetes', 'no etcd here']]));
    expect(out.get('test/cluster/rigs.test.ts')).toEqual(['no etcd here']);
    expect([...out.keys()].filter((file) => !/^test\/(cluster|chart|monitoring)\//.test(file))).toEqual([]);
  });

  it('tells the older Node and the Python peers apart', () => {
    const node = unavailableTests(new Map([['node22', 'no old Node']]));
    expect([...node.keys()]).toEqual(['test/e2e/node-22.test.ts']);
    const python = unavailableTests(new Map([['celery57', 'no network']]));
    expect(python.get('test/integration/rigs.test.ts')).toEqual(['no network']);
    expect(python.has('test/e2e/node-22.test.ts')).toBe(false);
  });
});
