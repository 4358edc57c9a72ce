/** Where in the file: keys, and numbers of list items from 0. */
export type Path = readonly (string | number)[];

/** One fault of the file. */
export interface Fault {
  readonly path: Path;
  /** What is wrong and what would be right. */
  readonly text: string;
}
