import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { devFolders } from '../../node/dev/dev-material.ts';
import { type Lifecycle, planNetwork } from '../../node/dev/dev-plan.ts';
import { tellHowToGoOn } from './how-to-go-on.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'selvage-ways-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** What is told of an empty network of two organisations with a user of its own. */
async function toldOf(lifecycle: Lifecycle): Promise<readonly string[]> {
  const plan = await planNetwork(root, { orgs: 2, portBase: 0, block: 'instant', lifecycle });
  const files = ['env.sh', 'env-org2.sh', 'env-alice.sh'].map((name) => ({ file: join(root, name), identity: name }));
  const network = { plan, folders: devFolders(root, plan), profiles: [], envFiles: files };
  let told: readonly string[] = [];
  const fact = (_fact: string, _facts: object, lines: readonly string[]): void => {
    told = lines;
  };
  tellHowToGoOn({ network, chaincodes: [], kept: true, reporter: { fact } });
  return told;
}

it('says how chaincode gets onto an empty network, for all its organisations', async () => {
  expect(await toldOf(2)).toContain(`  selvage deploy FOLDER -C mychannel --org ${root}/env.sh --org ${root}/env-org2.sh`);
});

it('names no command that the lifecycle of 1.x does not have', async () => {
  expect((await toldOf(1)).filter((line) => line.includes('selvage deploy'))).toEqual([]);
});
