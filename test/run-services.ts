// vitest's global set-up: what one whole run shares. Servers are started when the first test asks for them over a Unix socket and stopped
// at the end; and whatever a test started and did not stop is ended by its pid and fails the run.

import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RabbitmqNode, startRabbitmqNode, whyNoRabbitmq } from './brokers/rabbitmq-node.ts';
import { type ControlPlaneNode, startControlPlaneNode } from './kubernetes/control-plane-node.ts';
import { type OneNodeProcesses, startOneNode } from './one-node/cluster-node.ts';
import { commandLine, type ProcessRow, processesWith } from './process-table.ts';
import { until } from './until.ts';

export default async function shareServices(): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'celeriac-run-'));
  process.env['CELERIAC_TEST_RUN_DIR'] = folder;
  process.env['CELERIAC_TEST_RUN_SERVICES'] = join(folder, 'services.sock');

  let rabbitmq: Promise<RabbitmqNode> | undefined;
  let kubernetes: Promise<ControlPlaneNode> | undefined;
  let oneNode: Promise<OneNodeProcesses> | undefined;
  const ask = async (service: string): Promise<unknown> => {
    if (service === 'kubernetes') {
      kubernetes ??= startControlPlaneNode();
      const { port, dir, kubeconfig } = await kubernetes;
      return { port, dir, kubeconfig };
    }
    if (service === 'one-node') {
      oneNode ??= startOneNode();
      const { kubeconfig, hostAddress, archives } = await oneNode;
      return { kubeconfig, hostAddress, archives };
    }
    if (service !== 'rabbitmq') throw new Error(`no such service: ${service}`);
    const missing = whyNoRabbitmq();
    if (missing !== undefined) throw new Error(missing);
    rabbitmq ??= startRabbitmqNode();
    const { port, managementPort, dir, env } = await rabbitmq;
    return { port, managementPort, dir, env };
  };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let question = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      question += chunk;
    });
    socket.on('end', () => {
      ask(question.trim()).then(
        (answer) => socket.end(JSON.stringify(answer)),
        (error: Error) => socket.end(JSON.stringify({ error: error.message })),
      );
    });
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(join(folder, 'services.sock'), resolve));

  return async () => {
    server.close();
    const stopping = async (service: Promise<{ stop(): Promise<void> }> | undefined): Promise<void> => (await service)?.stop();
    await Promise.allSettled([stopping(rabbitmq), stopping(kubernetes), stopping(oneNode)]);
    const left = await endLeftovers(folder);
    rmSync(folder, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`tests left processes behind:\n${left.join('\n')}`);
  };
}

/** Whatever a test started, and what that started, has this run's folder in its environment. What is ending gets a moment. */
async function endLeftovers(folder: string): Promise<string[]> {
  // vitest's own workers are children of this process
  const left = (): readonly ProcessRow[] =>
    processesWith('CELERIAC_TEST_RUN_DIR', folder).filter((row) => row.pid !== process.pid && row.parentPid !== process.pid);
  await until(() => left().length === 0, { timeoutMs: 20_000 }).catch(() => {});
  return left().map((row) => {
    const title = `${row.pid} ${commandLine(row.pid).slice(0, 300)}`;
    try {
      process.kill(row.pid, 'SIGKILL');
    } catch {
      // it has ended meanwhile
    }
    return title;
  });
}
