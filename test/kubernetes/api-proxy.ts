// Stands between a client and the API server and lets single requests and watches fail, as load balancers, overloaded servers and broken
// networks do. TLS ends here with the API server's own certificate, which is for 127.0.0.1 on any port.

import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request } from 'node:https';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { freePort } from '../brokers/free-port.ts';
import type { ControlPlaneAddress } from './control-plane-node.ts';
import { readKubeconfig, writeKubeconfig } from './kubeconfig.ts';

export interface SeenRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly body: string;
  readonly atMs: number;
  readonly isWatch: boolean;
  /** Of the answer the client got; `undefined` while there is none, and for ever when the connection was cut. */
  status?: number;
}

export type RequestMatch = (request: SeenRequest) => boolean;

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default a Status of Kubernetes with that code. */
  readonly body?: unknown;
}

/** What happens to the next requests that match; further ones pass. */
export interface Interference {
  /** Those it met so far. */
  readonly met: readonly SeenRequest[];
  /** Lets go of what it holds, and of all that would come. */
  release(): void;
}

export interface ApiProxy {
  readonly port: number;
  /** Every request so far, the oldest first. */
  readonly requests: readonly SeenRequest[];
  /** Copies a kubeconfig so that it leads here, and returns the copy's path. */
  through(kubeconfig: string): string;
  /** Answers in the API server's place, which sees nothing. `times` default once. */
  answer(match: RequestMatch, answer: Answer, times?: number): Interference;
  /** Passes the request on and cuts the connection in place of its answer: the client cannot know what became of it. */
  loseAnswer(match: RequestMatch, times?: number): Interference;
  /** Keeps requests here until `release`; then they go on to the API server, whatever the client has done meanwhile. */
  hold(match: RequestMatch, times?: number): Interference;
  /** Breaks every connection. */
  cut(): void;
  /** Every open watch gets this as an ERROR event and ends, as a watch whose version is too old does. */
  expireWatches(): void;
  /** Open watches stay open and hear nothing more, as behind a half-open connection. */
  deafenWatches(): void;
  readonly openWatches: number;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The API server closes what idles for 90 s: a write that meets that would be lost. */
const IDLE_MS = 45_000;

interface Rule {
  readonly match: RequestMatch;
  readonly act: (exchange: Exchange) => void;
  readonly met: SeenRequest[];
  left: number;
}

interface Exchange {
  readonly seen: SeenRequest;
  readonly asked: IncomingMessage;
  readonly response: ServerResponse;
  deaf: boolean;
}

export async function startApiProxy(controlPlane: ControlPlaneAddress): Promise<ApiProxy> {
  const { dir, kubeconfig } = controlPlane;
  const { ca } = readKubeconfig(kubeconfig);
  const agent = new Agent({ keepAlive: true, timeout: IDLE_MS, ca });
  const requests: SeenRequest[] = [];
  const rules = new Set<Rule>();
  const watches = new Set<Exchange>();
  const sockets = new Set<Socket>();

  const pass = (exchange: Exchange, lost = false): void => {
    const { seen, asked, response } = exchange;
    const headers = { ...asked.headers, host: `127.0.0.1:${controlPlane.port}` };
    const upstream = request({ agent, host: '127.0.0.1', port: controlPlane.port, method: seen.method, path: seen.path, headers });
    upstream.on('response', (answer) => {
      if (lost) {
        answer.resume();
        response.destroy();
        return;
      }
      seen.status = answer.statusCode ?? 0;
      response.writeHead(seen.status, answer.headers);
      if (!seen.isWatch) {
        answer.pipe(response);
        return;
      }
      // Whoever asked may be gone by now.
      if (response.destroyed) {
        upstream.destroy();
        return;
      }
      response.flushHeaders();
      watches.add(exchange);
      response.on('close', () => {
        watches.delete(exchange);
        upstream.destroy();
      });
      answer.on('data', (chunk: Buffer) => void (exchange.deaf || response.write(chunk)));
      answer.on('end', () => void (exchange.deaf || response.end()));
      answer.on('error', () => void (exchange.deaf || response.destroy()));
    });
    upstream.on('error', () => response.destroy());
    upstream.end(seen.body);
  };

  const handle = async (asked: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [method = 'GET', path = '/'] = [asked.method, asked.url];
    const isWatch = /[?&]watch=(true|1)\b/.test(path);
    const seen: SeenRequest = { method, path, body: await text(asked), atMs: Date.now(), isWatch };
    requests.push(seen);
    const exchange = { seen, asked, response, deaf: false };
    const rule = [...rules].find((one) => one.left > 0 && one.match(seen));
    if (rule === undefined) {
      pass(exchange);
      return;
    }
    rule.left--;
    rule.met.push(seen);
    rule.act(exchange);
  };

  const certificate = { key: readFileSync(join(dir, 'certs/apiserver.key')), cert: readFileSync(join(dir, 'certs/apiserver.crt')) };
  const server = createServer({ ...certificate, requestTimeout: 0 }, (asked, response) => {
    response.on('error', () => {}); // the client may be gone when its answer comes
    handle(asked, response).catch(() => response.destroy());
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  const port = await freePort();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });

  const interfere = (match: RequestMatch, times: number, act: Rule['act'], onRelease = (): void => {}): Interference => {
    const rule: Rule = { match, act, met: [], left: times };
    rules.add(rule);
    return {
      met: rule.met,
      release: () => {
        rules.delete(rule);
        onRelease();
      },
    };
  };
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const stop = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    cut();
    agent.destroy();
    await closed;
  };

  return {
    port,
    requests,
    through: (path) => {
      const copy = `${path}.${port}`;
      writeKubeconfig(copy, { ...readKubeconfig(path), server: `https://127.0.0.1:${port}` }, namespaceOf(path));
      return copy;
    },
    answer: (match, answer, times = 1) =>
      interfere(match, times, ({ seen, response }) => {
        seen.status = answer.status;
        response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
        response.end(JSON.stringify(answer.body ?? statusObject(answer.status)));
      }),
    loseAnswer: (match, times = 1) => interfere(match, times, (exchange) => pass(exchange, true)),
    hold: (match, times = 1) => {
      const held: Exchange[] = [];
      return interfere(
        match,
        times,
        (exchange) => void held.push(exchange),
        () => {
          for (const exchange of held.splice(0)) pass(exchange);
        },
      );
    },
    cut,
    expireWatches: () => {
      for (const { response } of watches) response.end(`${JSON.stringify({ type: 'ERROR', object: statusObject(410) })}\n`);
    },
    deafenWatches: () => {
      for (const exchange of watches) exchange.deaf = true;
    },
    get openWatches() {
      return watches.size;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

const REASONS: Readonly<Record<number, readonly [reason: string, message: string]>> = {
  403: ['Forbidden', 'forbidden by the test'],
  409: ['Conflict', 'the object has been modified; please apply your changes to the latest version and try again'],
  410: ['Expired', 'too old resource version: 1 (2)'],
  429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
  500: ['InternalError', 'an error on the server has prevented the request from succeeding'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
};

function statusObject(code: number): unknown {
  const [reason, message] = REASONS[code] ?? ['Unknown', 'the test says so'];
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code };
}

function namespaceOf(kubeconfig: string): string | undefined {
  const { contexts } = JSON.parse(readFileSync(kubeconfig, 'utf8')) as {
    contexts: readonly [{ readonly context: { readonly namespace?: string } }];
  };
  return contexts[0].context.namespace;
}
