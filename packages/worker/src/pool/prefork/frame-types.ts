/**
 * The language of a parent and its child over one socket pair. Every frame is `u32 length, u8 type, payload` (little endian; the length counts
 * type and payload). Job and outcome payloads are binary, the rest is JSON.
 *
 * How jobs may wait in a child without ever waiting behind a long one, and without running twice:
 * - A job travels with the *generation* the parent knows. The child drops jobs of an older generation than its own.
 * - The child writes every outcome synchronously, and only then looks at the clock. If that task took `voidMs` or more since its start it adds
 *   one to its generation, drops what is queued and says so (`VOIDED`). The start of a task is a clock reading taken before the write by which
 *   the parent learns of it (the previous outcome, or `BEGAN`), so a parent that has known for `voidMs` that a task runs, and has then found its
 *   socket empty, knows that the child will void: it may hand the waiting jobs to others at once.
 * - An outcome names the job that begins with it. `VOIDED` right behind it takes that back: the clock is looked at after the write.
 * - When a child is gone and its socket is read to the end, the job last said to have begun is lost; those behind it never began.
 */
export const FRAME = {
  // parent to child
  JOB: 1,
  SOFT_LIMIT: 2,
  VOID: 3,
  CALLED: 4,
  EXIT: 5,
  // child to parent
  READY: 16,
  FAILED_TO_LOAD: 17,
  BEGAN: 18,
  SUCCEEDED: 19,
  ENDED: 20,
  VOIDED: 21,
  LOG: 22,
  CALL: 23,
} as const;

/** A value of {@link FRAME}. */
export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** Bytes of the length and the type. */
export const FRAME_HEAD_BYTES = 5;
/** Bytes before the body in a job frame: seq, generation, length of the meta text. */
export const JOB_HEAD_BYTES = 12;
/** Bytes before the text in an outcome frame: seq, next seq, duration as f64, flags. */
export const OUTCOME_HEAD_BYTES = 17;

/** Flags of an outcome. */
export const OUTCOME_FLAG = {
  /** The child is over its memory limit and asks to be replaced. */
  OVER_MEMORY: 1,
  /** Code of a failed task may still be running in the child: it asks to be replaced. */
  TAINTED: 2,
} as const;

const KIB = 1_024;
const MIB = 1_024 * KIB;

/** The longest frame (type and payload) of each type a parent accepts from a child; 0 for types a child never sends. */
export function childFrameLimitBytes(type: number, resultBytes: number): number {
  switch (type) {
    case FRAME.SUCCEEDED:
    case FRAME.ENDED:
      return resultBytes + KIB;
    case FRAME.READY:
      return 4 * MIB;
    case FRAME.CALL:
      return 8 * MIB;
    case FRAME.LOG:
    case FRAME.FAILED_TO_LOAD:
      return 128 * KIB;
    case FRAME.BEGAN:
    case FRAME.VOIDED:
      return 16;
    default:
      return 0;
  }
}

/** The longest frame a child accepts from its parent: the parent is trusted, so this only guards against a broken stream. */
export function parentFrameLimitBytes(type: number): number {
  return type >= FRAME.JOB && type <= FRAME.EXIT ? 256 * MIB : 0;
}
