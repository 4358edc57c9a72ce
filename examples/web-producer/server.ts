// A web server that hands its work to the tasks of examples/basics. It knows their contracts, not their code.
//   CELERY_BROKER_URL=redis://127.0.0.1:6379/0 CELERY_RESULT_BACKEND=redis://127.0.0.1:6379/1 node examples/web-producer/server.ts

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Celery, isCeleriacError } from '@celeriac/producer';
import { add } from '../basics/contracts.ts';

const app = new Celery({
  broker: process.env['CELERY_BROKER_URL'] ?? 'redis://127.0.0.1:6379/0',
  backend: process.env['CELERY_RESULT_BACKEND'] ?? 'redis://127.0.0.1:6379/1',
});
const addTask = app.task(add);

/** POST /sums with `{"x": 2, "y": 3}`: the answer comes when the broker has the task, not when it has run. */
async function createSum(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { x, y } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { x: unknown; y: unknown };
  if (typeof x !== 'number' || typeof y !== 'number') return send(response, 400, { error: 'x and y must be numbers' });
  const { id } = await addTask.applyAsync({ args: [x, y], expires: 60 });
  send(response, 202, { id });
}

/** GET /sums/ID: its state, and the sum once there is one. */
async function readSum(id: string, response: ServerResponse): Promise<void> {
  const sum = app.result<number>(id);
  const status = await sum.status();
  send(response, 200, status === 'SUCCESS' ? { status, sum: await sum.get({ timeoutMs: 0 }) } : { status });
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, collection, id] = (request.url ?? '/').split('/');
  if (collection !== 'sums') return send(response, 404, { error: 'there is only /sums' });
  if (request.method === 'POST') return await createSum(request, response);
  if (id === undefined || id === '') return send(response, 404, { error: 'name an id' });
  await readSum(id, response);
}

function fail(error: unknown, response: ServerResponse): void {
  if (error instanceof SyntaxError) send(response, 400, { error: 'the body is not JSON' });
  else if (!isCeleriacError(error)) send(response, 500, { error: 'internal error' });
  // The broker did not take it, or may have taken it: the same id may be sent again.
  else send(response, 503, { error: error.code, id: error.data['taskId'] });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => fail(error, response));
});
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.once('SIGTERM', () => {
  server.close(() => void app.close());
  server.closeIdleConnections();
});
