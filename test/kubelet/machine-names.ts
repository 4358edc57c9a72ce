// A pod of the test kubelet shares the machine's files and network. What it is told of paths and addresses of its own is told anew in those
// of the machine: pure, but for the question which paths are there.

export interface MachineNames {
  /** Mount paths, and where they are on this machine. */
  readonly mounts: ReadonlyMap<string, string>;
  /** Host names of Services, and the addresses that stand for them. */
  readonly hosts: ReadonlyMap<string, string>;
  /** The address of the pod: it takes the place of 0.0.0.0, on which pods of one machine would meet. */
  readonly podIP: string;
  /** Whether a path is there on this machine: one below a mount path (a file below /tmp) that a test means is left alone. */
  isThere(path: string): boolean;
}

/** Paths below mount paths become the machine's. */
export function withMounts(text: string, { mounts, isThere }: Pick<MachineNames, 'mounts' | 'isThere'>): string {
  if (mounts.size === 0) return text;
  const longestFirst = [...mounts.keys()].toSorted((a, b) => b.length - a.length).map(escapeExpression);
  const pattern = new RegExp(`(?<![\\w./-])(${longestFirst.join('|')})(/[^\\s"',:;=]*)?(?![\\w.-])`, 'g');
  return text.replace(pattern, (whole, mount: string, below: string | undefined) => {
    if (below !== undefined && below !== '/' && isThere(whole)) return whole;
    return `${mounts.get(mount) ?? mount}${below ?? ''}`;
  });
}

/** The same with the addresses that a process listens on or asks. */
export function withMachineNames(text: string, names: MachineNames): string {
  let told = withMounts(text, names).replaceAll(/(?<![\w.])0\.0\.0\.0(?![\w.])/g, names.podIP);
  for (const [host, address] of names.hosts) {
    // A bare name may be a word like any other; as the host of a URL it is not.
    const pattern = host.includes('.') ? `(?<![\\w.-])${escapeExpression(host)}(?![\\w.-])` : `(?<=//|@)${host}(?=[:/?]|$)`;
    told = told.replaceAll(new RegExp(pattern, 'g'), address);
  }
  return told;
}

function escapeExpression(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
