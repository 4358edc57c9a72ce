import type { Connection } from 'amqplib';
import { decodeProperties } from './basic-properties.ts';

const HEADER = 2;
const BODY = 3;
const FRAME_END = 0xce;
const FRAME_HEAD_BYTES = 7;
const BASIC = 60;
const PROPERTIES_OFFSET = FRAME_HEAD_BYTES + 12;

/** The parts of amqplib 2's connection that this module and the writers use. */
export interface RawConnection {
  rest: Buffer;
  readonly frameMax: number;
  recvFrame(): unknown;
  /** Puts bytes on the socket as they are. */
  sendBytes(bytes: Buffer): void;
}

export function rawConnection(connection: Connection): RawConnection {
  return connection as unknown as RawConnection;
}

/**
 * Makes a connection of amqplib read content headers by our own total decoder. Its own knows no tag `L`, which py-amqp writes for every
 * integer beyond 32 bits, and ends the connection there. A header comes out as {@link ReceivedProperties}; what amqplib cannot be
 * handed, a body over `maxBodyBytes`, is skipped and comes as an empty one.
 */
export function receiveFrames(connection: RawConnection, maxBodyBytes: number): void {
  const skipped = new Map<number, number>();
  const readFrame = connection.recvFrame.bind(connection);

  connection.recvFrame = () => {
    for (;;) {
      const { rest } = connection;
      if (rest.length < FRAME_HEAD_BYTES) return readFrame();
      const type = rest[0];
      if (type !== HEADER && type !== BODY) return readFrame();
      const end = FRAME_HEAD_BYTES + rest.readUInt32BE(3);
      if (rest.length <= end || rest[end] !== FRAME_END) return readFrame();
      const channel = rest.readUInt16BE(1);
      if (type === BODY) {
        const left = skipped.get(channel);
        if (left === undefined) return readFrame();
        connection.rest = rest.subarray(end + 1);
        const after = left - (end - FRAME_HEAD_BYTES);
        if (after > 0) skipped.set(channel, after);
        else skipped.delete(channel);
        continue;
      }
      if (end < PROPERTIES_OFFSET + 2 || rest.readUInt16BE(FRAME_HEAD_BYTES) !== BASIC) return readFrame();
      const bodyBytes = Number(rest.readBigUInt64BE(FRAME_HEAD_BYTES + 4));
      const omitted = bodyBytes > maxBodyBytes;
      if (omitted) skipped.set(channel, bodyBytes);
      const fields = decodeProperties(rest.subarray(0, end), PROPERTIES_OFFSET, bodyBytes, omitted);
      connection.rest = rest.subarray(end + 1);
      return { id: BASIC, channel, size: omitted ? 0 : bodyBytes, fields };
    }
  };
}
