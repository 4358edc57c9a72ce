import { type Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as plainRequest } from 'node:http';
import { type Agent, request as tlsRequest } from 'node:https';
import type { Socket } from 'node:net';

/** One HTTP request. */
export interface ExchangeRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly agent: Agent | HttpAgent;
  /** Asked before the bytes leave, see {@link exchange}; null: they may always leave. */
  readonly mayLeave: (() => boolean) | null;
  readonly signal: AbortSignal;
}

/** How it went until the head of the answer was there. */
export type Exchange =
  | { readonly kind: 'answered'; readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: IncomingMessage }
  /** `mayLeave` said no; no byte has left. */
  | { readonly kind: 'held-back' }
  /** No answer. `sent`: bytes had left, so that the server may have carried it out. */
  | { readonly kind: 'lost'; readonly sent: boolean; readonly error: Error };

/** A peer that is gone without a word (a node that lost power, a dropped NAT entry) is noticed by the kernel's probes. */
const TCP_KEEPALIVE_MS = 15_000;

/**
 * Sends one request and resolves with the head of its answer; never rejects. No redirect is followed: the answer would tell a token to
 * somebody else.
 *
 * `mayLeave` is asked once the connection stands (TLS included), and when it says yes, head and body are given to the socket in the same
 * synchronous step: as late as this process can ask. What follows is out of its hands (the kernel's buffer, the network, the server's
 * queue) and is bounded by the server-side timeout and the precondition that writes carry.
 */
export function exchange(options: ExchangeRequest): Promise<Exchange> {
  const { url, method, headers, body, agent, mayLeave, signal } = options;
  return new Promise((resolve) => {
    let sent = false;
    const secure = url.protocol === 'https:';
    const request = (secure ? tlsRequest : plainRequest)(url, { method, headers, agent, signal });
    const send = (): void => {
      if (request.destroyed) return;
      if (mayLeave !== null && !mayLeave()) {
        resolve({ kind: 'held-back' });
        request.destroy();
        return;
      }
      sent = true;
      if (body === null) request.end();
      else request.end(body);
    };
    request.once('socket', (socket: Socket & { readonly secureConnecting?: boolean }) => {
      socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
      if (socket.secureConnecting === true || (secure && socket.connecting)) socket.once('secureConnect', send);
      else if (socket.connecting) socket.once('connect', send);
      else send();
    });
    request.once('response', (message) => {
      resolve({ kind: 'answered', status: message.statusCode ?? 0, headers: message.headers, body: message });
    });
    request.on('error', (error) => resolve({ kind: 'lost', sent, error }));
    request.once('close', () => resolve({ kind: 'lost', sent, error: new Error('the connection was closed') }));
  });
}

/** Hands the body over piece by piece; rejects when the connection ends before it, when there is too much of it, or with what `push` throws. */
export function readBody(message: IncomingMessage, mostBytes: number, push: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    message.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > mostBytes) {
        message.destroy(new Error(`the answer is larger than ${mostBytes} bytes`));
        return;
      }
      try {
        push(chunk);
      } catch (error) {
        message.destroy(error as Error);
      }
    });
    message.once('end', resolve);
    message.once('error', reject);
    message.once('close', () => reject(new Error('the connection ended in the middle of the answer')));
  });
}
