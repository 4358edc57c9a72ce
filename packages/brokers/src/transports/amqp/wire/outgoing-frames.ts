import type { Message } from '@celeriac/protocol';
import { encodeProperties } from './basic-properties.ts';
import type { FrameWriter } from './frame-writer.ts';

const METHOD = 1;
const HEADER = 2;
const BODY = 3;
const FRAME_END = 0xce;
const BASIC = 60;
const QUEUE = 50;
const DECLARE = 10;
const PASSIVE = 1;
const PUBLISH = 40;
const ACK = 80;
const NACK = 120;
const FRAME_OVERHEAD = 8;

/** Where a message goes and how. */
export interface OutgoingMessage {
  readonly message: Message;
  readonly exchange: string;
  readonly routingKey: string;
  readonly mandatory: boolean;
  /** Headers added to the message's own. */
  readonly extraHeaders?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Writes the method, header and body frames of one basic.publish. On error (CELERIAC_E_VALUE, RangeError for a text over 255 bytes) the
 * writer is as it was before.
 */
export function writePublish(writer: FrameWriter, channel: number, frameMaxBytes: number, outgoing: OutgoingMessage): void {
  const before = writer.length;
  try {
    const { message, exchange, routingKey, mandatory } = outgoing;
    let start = beginFrame(writer, METHOD, channel);
    writer.short(BASIC);
    writer.short(PUBLISH);
    writer.short(0);
    writer.shortText(exchange);
    writer.shortText(routingKey);
    writer.octet(mandatory ? 1 : 0);
    endFrame(writer, start);

    start = beginFrame(writer, HEADER, channel);
    writer.short(BASIC);
    writer.short(0);
    writer.long(Math.floor(message.body.length / 2 ** 32));
    writer.long(message.body.length);
    encodeProperties(writer, message, outgoing.extraHeaders);
    endFrame(writer, start);
    if (writer.length - start - 4 > frameMaxBytes - FRAME_OVERHEAD) {
      throw new RangeError(`the headers do not fit into a frame of ${frameMaxBytes} bytes`);
    }

    const { body } = message;
    const maxBody = frameMaxBytes - FRAME_OVERHEAD;
    for (let offset = 0; offset < body.length; offset += maxBody) {
      start = beginFrame(writer, BODY, channel);
      writer.bytes(body.length <= maxBody ? body : body.subarray(offset, offset + maxBody));
      endFrame(writer, start);
    }
  } catch (error) {
    writer.truncate(before);
    throw error;
  }
}

/** Writes a basic.ack. `multiple` takes in every earlier tag. */
export function writeAck(writer: FrameWriter, channel: number, tag: number, multiple: boolean): void {
  writeTagged(writer, channel, ACK, tag, multiple ? 1 : 0);
}

/** Writes a basic.nack of one tag. */
export function writeNack(writer: FrameWriter, channel: number, tag: number, requeue: boolean): void {
  writeTagged(writer, channel, NACK, tag, requeue ? 2 : 0);
}

function writeTagged(writer: FrameWriter, channel: number, method: number, tag: number, bits: number): void {
  const start = beginFrame(writer, METHOD, channel);
  writer.short(BASIC);
  writer.short(method);
  writer.long(Math.floor(tag / 2 ** 32));
  writer.long(tag);
  writer.octet(bits);
  endFrame(writer, start);
}

/** Returns where the frame's length stands. */
function beginFrame(writer: FrameWriter, type: number, channel: number): number {
  writer.octet(type);
  writer.short(channel);
  const start = writer.length;
  writer.long(0);
  return start;
}

function endFrame(writer: FrameWriter, start: number): void {
  writer.longAt(start, writer.length - start - 4);
  writer.octet(FRAME_END);
}

/** Writes one passive queue.declare: a question, answered by the number of messages or by the end of the channel. */
export function writeQueueProbe(writer: FrameWriter, channel: number, name: string): void {
  const before = writer.length;
  try {
    const start = beginFrame(writer, METHOD, channel);
    writer.short(QUEUE);
    writer.short(DECLARE);
    writer.short(0);
    writer.shortText(name);
    writer.octet(PASSIVE);
    // No arguments.
    writer.long(0);
    endFrame(writer, start);
  } catch (error) {
    writer.truncate(before);
    throw error;
  }
}
