// A basic.publish with properties that no client library would write.

import type { ConfirmChannel } from 'amqplib';

export interface RawProperties {
  readonly contentType?: Uint8Array;
  readonly correlationId?: Uint8Array;
  /** Names to texts, as bytes. */
  readonly headers: readonly (readonly [name: Uint8Array, text: Uint8Array])[];
  readonly timestamp?: bigint;
}

interface RawChannel {
  readonly ch: number;
  readonly connection: { sendBytes(bytes: Buffer): void };
}

const long = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const short = (bytes: Uint8Array): Buffer => Buffer.concat([Uint8Array.of(bytes.length), bytes]);

/** Writes method, header and body frames to the default exchange; nothing is confirmed. */
export function rawPublish(channel: ConfirmChannel, queue: string, properties: RawProperties, body: Uint8Array): void {
  const { ch, connection } = channel as unknown as RawChannel;
  const frame = (type: number, payload: Uint8Array): Buffer =>
    Buffer.concat([Uint8Array.of(type, ch >> 8, ch & 255), long(payload.length), payload, Uint8Array.of(0xce)]);
  const method = Buffer.concat([Uint8Array.of(0, 60, 0, 40, 0, 0), short(new Uint8Array()), short(Buffer.from(queue)), Uint8Array.of(0)]);
  const table = Buffer.concat(properties.headers.flatMap(([name, text]) => [short(name), Buffer.from('S'), long(text.length), text]));
  const { contentType = Buffer.from('application/json'), correlationId, timestamp } = properties;
  const flags = 0x8000 | 0x2000 | (correlationId === undefined ? 0 : 0x0400) | (timestamp === undefined ? 0 : 0x0040);
  const stamp = Buffer.alloc(timestamp === undefined ? 0 : 8);
  if (timestamp !== undefined) stamp.writeBigUInt64BE(timestamp);
  const header = Buffer.concat([
    ...[Uint8Array.of(0, 60, 0, 0), long(0), long(body.length), Uint8Array.of(flags >> 8, flags & 255), short(contentType)],
    ...[long(table.length), table, correlationId === undefined ? new Uint8Array() : short(correlationId), stamp],
  ]);
  connection.sendBytes(Buffer.concat([frame(1, method), frame(2, header), frame(3, body)]));
}
