// What stands on this machine for the content of an image.

export interface TestImage {
  /** What the image starts, before the container's args; `command` of the container takes its place. */
  readonly entrypoint: readonly string[];
  /** What it starts with when the container has neither command nor args. */
  readonly cmd?: readonly string[];
  /** Beneath the container's own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** `null`: there is no such image. */
export type Images = (image: string) => TestImage | null;

/** As the container runtime has it: `command` replaces the entrypoint and with it the image's cmd, `args` replaces the cmd. */
export function imageCommand(
  image: TestImage | undefined,
  command: readonly string[] | undefined,
  args: readonly string[] | undefined,
): readonly string[] {
  if (command !== undefined && command.length > 0) return [...command, ...(args ?? [])];
  return [...(image?.entrypoint ?? []), ...(args ?? image?.cmd ?? [])];
}
