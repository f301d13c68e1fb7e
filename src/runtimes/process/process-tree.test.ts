import { createHook } from 'node:async_hooks';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { processesOf } from './process-tree.ts';

/** How many files `work` has read or opened. */
async function filesRead(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const hook = createHook({
    init: (_id, type) => {
      if (type === 'FSREQPROMISE') count += 1;
    },
  }).enable();
  try {
    await work();
  } finally {
    hook.disable();
  }
  return count;
}

it.runIf(process.platform === 'linux')(
  'looks once at the processes of the machine for all trees that are asked for at a time',
  async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { detached: true, stdio: 'ignore' });
    try {
      await once(child, 'spawn');
      const mark = { groupId: child.pid ?? 0, variable: 'SELVAGE_PROCESS_TREE=none' };
      const one = await filesRead(() => processesOf(mark));
      const trees = Array.from({ length: 20 }, () => mark);
      let found: readonly (readonly number[])[] = [];
      const many = await filesRead(async () => {
        found = await Promise.all(trees.map(processesOf));
      });
      expect(found).toEqual(trees.map(() => [child.pid]));
      expect(many).toBeLessThan(4 * one); // processes come and go
    } finally {
      child.kill('SIGKILL');
    }
  },
);
