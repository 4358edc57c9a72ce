/** Properties of a message beside its headers; names as in AMQP basic-properties, absent where the message has none. */
export interface MessageProperties {
  readonly correlationId?: string;
  readonly replyTo?: string;
  /** 1 transient, 2 persistent. */
  readonly deliveryMode?: 1 | 2;
  readonly priority?: number;
  /** Milliseconds after which the broker may drop the message (AMQP only; Redis ignores it). */
  readonly expirationMs?: number;
  readonly messageId?: string;
  readonly appId?: string;
  readonly type?: string;
  readonly userId?: string;
  readonly timestamp?: number;
}

/**
 * What travels: bytes and headers, independent of the broker. `body` is raw serialized bytes (no base64).
 * Headers come from strangers: every reader validates what it uses.
 */
export interface Message {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly properties: MessageProperties;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly body: Uint8Array;
}

/** Where a broker says a delivery came from. */
export interface DeliveryInfo {
  /** Empty for the default exchange, which is what Celery publishes tasks to. */
  readonly exchange: string;
  /** The queue name where the exchange is the default one. */
  readonly routingKey: string;
  readonly priority: number | null;
  readonly redelivered: boolean;
}
