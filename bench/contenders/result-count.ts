import { Redis } from 'ioredis';

/** Counts what is stored in the result database: one key per task done. */
export async function countResults(backendUrl: string): Promise<number> {
  const client = connectionTo(backendUrl);
  return await client.dbsize();
}

const connections = new Map<string, Redis>();

/** One lasting connection per URL, for looking and cleaning between measurements. */
export function connectionTo(url: string): Redis {
  let client = connections.get(url);
  if (client === undefined) {
    client = new Redis(url);
    connections.set(url, client);
  }
  return client;
}

export function closeConnections(): void {
  for (const client of connections.values()) client.disconnect();
  connections.clear();
}
