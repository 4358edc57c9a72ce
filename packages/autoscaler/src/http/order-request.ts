import type { IncomingMessage } from 'node:http';
import type { Orders } from '../decide/seen.ts';

/** What is ordered; what is absent stays as it was. */
export type OrderChange = Partial<Pick<Orders, 'pause' | 'fixed'>> & Pick<Orders, 'by'>;

/** An order as it came, or the status and the sentence it is refused with. */
export type OrderRequest =
  | { readonly kind: 'order'; readonly change: OrderChange }
  | { readonly kind: 'refused'; readonly status: 400 | 413 | 415; readonly text: string };

const MOST_BYTES = 4_096;
const MOST_REPLICAS = 100_000;
const MOST_LETTERS = 200;

/** Reads the body of `POST /api/pools/:name/orders`: `{ pause?: 'all' | 'in' | 'out' | null, fixed?: number | null, by: string }` as JSON. */
export async function readOrder(request: IncomingMessage): Promise<OrderRequest> {
  const type = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') return { kind: 'refused', status: 415, text: 'content-type must be application/json' };
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) return { kind: 'refused', status: 413, text: `more than ${MOST_BYTES} bytes` };
    chunks.push(chunk);
  }
  try {
    return orderOf(JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown);
  } catch {
    return refused('the body is not JSON');
  }
}

function orderOf(body: unknown): OrderRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return refused('the body must be an object');
  const { pause, fixed, by, ...others } = body as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return refused(`unknown key ${JSON.stringify(unknown.slice(0, 40))}; known: pause, fixed, by`);
  if (pause !== undefined && pause !== null && pause !== 'all' && pause !== 'in' && pause !== 'out') {
    return refused("pause must be 'all', 'in', 'out' or null");
  }
  const isCount = typeof fixed === 'number' && Number.isInteger(fixed) && fixed >= 0 && fixed <= MOST_REPLICAS;
  if (fixed !== undefined && fixed !== null && !isCount) return refused(`fixed must be a whole number from 0 to ${MOST_REPLICAS}, or null`);
  if (pause === undefined && fixed === undefined) return refused('nothing is ordered: give pause, fixed or both');
  if (typeof by !== 'string' || by.trim() === '' || by.length > MOST_LETTERS || /\p{Cc}/u.test(by)) {
    return refused(`by must say who orders it, in at most ${MOST_LETTERS} letters`);
  }
  return {
    kind: 'order',
    change: { ...(pause === undefined ? {} : { pause }), ...(fixed === undefined ? {} : { fixed: isCount ? fixed : null }), by: by.trim() },
  };
}

function refused(text: string): OrderRequest {
  return { kind: 'refused', status: 400, text };
}
