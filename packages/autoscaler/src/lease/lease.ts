/** The autoscaler's right to act: of several autoscalers one holds it. */
export interface Lease {
  /** Whether we may act at this moment; asked right before every effect. */
  held(): boolean;
  /** Gives it up. */
  close(): Promise<void>;
}
