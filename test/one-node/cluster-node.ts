// The one-node cluster that a run starts: real kubelet, containerd, scheduler and DNS, with the images in it. One on a machine at a time.

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { processTable } from '../process-table.ts';
import { baseArchives, type ImageArchives, ourArchives, pythonArchive, run } from './images.ts';
import { KUBE_SCRIPTS, whyNoOneNode } from './why-not.ts';

const runProgram = promisify(execFile);
/** The same for every run: a start ends first what a run that was killed left there. */
const FOLDER = join(tmpdir(), 'celeriac-one-node');
const CLUSTER = join(FOLDER, 'cluster');
const OWNER = join(FOLDER, 'owner');
const PROGRAM = join(KUBE_SCRIPTS, 'one-node');
/** The bridge's address, on which pods reach this machine. */
const HOST_ADDRESS = '10.244.0.1';

/** What a process other than the one that started the cluster needs to use it. */
export interface OneNodeAddress {
  readonly kubeconfig: string;
  readonly hostAddress: string;
  readonly archives: ImageArchives;
}

export interface OneNodeProcesses extends OneNodeAddress {
  stop(): Promise<void>;
}

/** Builds the images while the cluster starts, and loads them. Half a minute to a minute; two more on a machine without a cache. */
export async function startOneNode(): Promise<OneNodeProcesses> {
  const { missing } = await whyNoOneNode();
  if (missing !== undefined) throw new Error(missing);
  claimMachine();
  const stop = async (): Promise<void> => {
    await run(PROGRAM, ['stop', CLUSTER]);
    rmSync(FOLDER, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const { node, pause } = await baseArchives();
    const folder = join(FOLDER, 'images');
    mkdirSync(folder, { recursive: true });
    const starting = runProgram(PROGRAM, ['start', CLUSTER], { env: { ...process.env, ONE_NODE_IMAGES: pause }, timeout: 480_000 });
    const loaded = async (archive: string): Promise<void> => {
      await starting;
      await loadArchive(archive);
    };
    const python = pythonArchive(node).then(async (archive) => {
      await loaded(archive);
      return archive;
    });
    const ours = ourArchives(node, folder).then(async (built) => {
      await Promise.all(Object.values(built).map(loaded));
      return built;
    });
    // all are waited for, whichever fails: what still builds must not write into a folder that is gone
    await Promise.allSettled([starting, python, ours]);
    const archives = { pause, python: await python, ...(await ours) };
    return { kubeconfig: (await starting).stdout.trim(), hostAddress: HOST_ADDRESS, archives, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Imports a docker-archive into the running cluster. */
export async function loadArchive(archive: string): Promise<void> {
  const address = ['--address', join(CLUSTER, 'containerd.sock'), '--namespace', 'k8s.io'];
  await run('ctr', [...address, 'images', 'import', archive]);
}

/** The bridge, the ports and iptables' chains are there once: another run's cluster is not taken down under its feet. */
function claimMachine(): void {
  const owner = existsSync(OWNER) ? readFileSync(OWNER, 'utf8') : '';
  const running = processTable().map(({ pid, startedAt }) => ({ pid, title: `${pid} ${startedAt}` }));
  if (running.some(({ pid, title }) => title === owner && pid !== process.pid)) {
    throw new Error(`a one-node cluster runs in ${FOLDER} (process ${owner.split(' ')[0]}): there can be one on a machine at a time`);
  }
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(OWNER, running.find(({ pid }) => pid === process.pid)?.title ?? '');
}
