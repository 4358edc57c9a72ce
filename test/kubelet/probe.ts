// One probe of a container, asked again and again as its spec says.

import { execFile } from 'node:child_process';
import { get } from 'node:http';
import { createConnection } from 'node:net';
import type { Container, Probe } from './pod.ts';

export interface ProbeTarget {
  readonly container: Container;
  /** Where httpGet and tcpSocket go unless the probe names a host. */
  readonly host: string;
  /** Takes the place of the probe's port. */
  readonly port?: number;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** Calls `onChange` when the threshold for the other answer is reached, the first time for either. Returns what ends it. */
export function startProbe(probe: Probe, target: ProbeTarget, onChange: (healthy: boolean, why: string) => void): () => void {
  let [healthy, inARow, ended] = [undefined as boolean | undefined, 0, false];
  let timer: NodeJS.Timeout;
  const again = (delayMs: number): void => {
    timer = setTimeout(() => void ask(), delayMs);
  };
  const ask = async (): Promise<void> => {
    const started = Date.now();
    const failure = await outcomeOf(probe, target);
    if (ended) return;
    const answer = failure === undefined;
    inARow = answer === lastAnswer ? inARow + 1 : 1;
    lastAnswer = answer;
    const threshold = answer ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
    if (inARow >= threshold && answer !== healthy) {
      healthy = answer;
      onChange(answer, failure ?? '');
    }
    if (!ended) again(Math.max(0, (probe.periodSeconds ?? 10) * 1_000 - (Date.now() - started)));
  };
  let lastAnswer: boolean | undefined;
  again((probe.initialDelaySeconds ?? 0) * 1_000);
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}

/** Resolves with why it failed, or `undefined`. */
function outcomeOf(probe: Probe, target: ProbeTarget): Promise<string | undefined> {
  const timeout = (probe.timeoutSeconds ?? 1) * 1_000;
  return new Promise((resolve) => {
    if (probe.exec !== undefined) {
      const [command = '', ...args] = probe.exec.command;
      execFile(command, args, { timeout, env: target.env, cwd: target.cwd }, (error) => resolve(error?.message));
    } else if (probe.httpGet !== undefined) {
      const { path = '/', host = target.host } = probe.httpGet;
      const asked = get({ host, port: portOf(probe.httpGet.port, target), path, timeout, agent: false }, (response) => {
        response.resume();
        const status = response.statusCode ?? 0;
        resolve(status >= 200 && status < 400 ? undefined : `HTTP probe failed with statuscode: ${status}`);
      });
      asked.on('timeout', () => asked.destroy(new Error('context deadline exceeded')));
      asked.on('error', (error) => resolve(error.message));
    } else if (probe.tcpSocket !== undefined) {
      const { host = target.host } = probe.tcpSocket;
      const socket = createConnection({ host, port: portOf(probe.tcpSocket.port, target), timeout });
      const finish = (why: string | undefined): void => {
        socket.destroy();
        resolve(why);
      };
      socket.on('connect', () => finish(undefined));
      socket.on('timeout', () => finish('i/o timeout'));
      socket.on('error', (error) => finish(error.message));
    } else {
      resolve('the test kubelet knows httpGet, tcpSocket and exec only');
    }
  });
}

function portOf(port: number | string, target: ProbeTarget): number {
  if (target.port !== undefined) return target.port;
  if (typeof port === 'number') return port;
  return target.container.ports?.find((one) => one.name === port)?.containerPort ?? Number(port);
}
