import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../common/log.ts';
import { ownerGone } from '../../common/process-owner.ts';
import { TREE_VARIABLE } from './process-group.ts';
import { isAlive, signalTree } from './process-tree.ts';

/** Between two looks at a tree that is ending, milliseconds. */
const LOOK_MS = 15;
/** What outlives SIGKILL that long hangs in the kernel. */
const HOPELESS_MS = 30_000;

/**
 * Ends the process trees of peers that were killed and could not end them: chaincode that hangs never notices that its peer is
 * gone. Linux only; elsewhere nothing tells whose a process is, and chaincode ends by itself when its stream does. Never rejects.
 */
export async function endOrphans(log: Logger): Promise<void> {
  if (process.platform !== 'linux') return;
  for (const tree of await orphanedTrees()) {
    const mark = { groupId: -1, variable: `${TREE_VARIABLE}=${tree}` };
    log.warn('ending processes that a killed peer left behind', { tree });
    for (const until = performance.now() + HOPELESS_MS; performance.now() < until && (await isAlive(mark)); ) {
      await signalTree(mark, 'SIGKILL');
      await delay(LOOK_MS);
    }
  }
}

/** Marks of running trees whose owner is gone. */
async function orphanedTrees(): Promise<ReadonlySet<string>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const marks = await Promise.all(pids.map(treeOf));
  return new Set(marks.filter((mark) => mark !== undefined).filter(ownerGone));
}

/** The tree that a process of our own user belongs to: others do not show their environment. */
async function treeOf(pid: string): Promise<string | undefined> {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
  const entry = environment.split('\0').find((each) => each.startsWith(`${TREE_VARIABLE}=`));
  return entry?.slice(TREE_VARIABLE.length + 1);
}
