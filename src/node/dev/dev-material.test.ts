import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { channelIdOfBlock } from '../../msp/channelconfig/config-block.ts';
import { common } from '../../protos/messages.ts';
import { type DevFolders, devFolders, makeMaterial } from './dev-material.ts';
import { type DevPlan, planNetwork } from './dev-plan.ts';

let root: string;
let plan: DevPlan;
let folders: DevFolders;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'selvage-material-'));
  plan = await planNetwork(root, { channel: 'mychannel', orgs: 1, tls: true, portBase: 0, block: 'instant' });
  folders = devFolders(root, plan);
});
afterEach(() => rm(root, { recursive: true, force: true }));

const make = async (): Promise<string> => {
  const blocks = await makeMaterial(folders, plan, new Date());
  return blocks.map((block) => Buffer.from(common.Block.encode(block)).toString('hex')).join();
};

describe('the material of a development network', () => {
  it('is made once', async () => {
    const first = await make();
    expect(await make()).toBe(first);
  });

  it('has a first block of each channel', async () => {
    plan = { ...plan, moreChannels: ['second'] };
    const [first, second] = await makeMaterial(folders, plan, new Date());
    expect([first, second].map((block) => block && channelIdOfBlock(block))).toEqual(['mychannel', 'second']);
    expect((await readdir(join(root, 'channel-artifacts'))).sort()).toEqual(['mychannel.block', 'second.block']);
    expect((await makeMaterial(folders, plan, new Date())).length).toBe(2);
  });

  it('is made anew after a run that ended before it was whole', async () => {
    await mkdir(join(root, '.making-1', 'peerOrganizations'), { recursive: true });
    await mkdir(join(root, 'channel-artifacts'));
    await writeFile(folders.genesisBlock, 'of a network that has no keys');
    const made = await make();
    expect(await make()).toBe(made);
    expect((await readdir(root)).sort()).toEqual(['channel-artifacts', 'network.json', 'organizations']);
  });

  it('is not mixed with organisations of somebody else', async () => {
    await mkdir(join(folders.organizations, 'peerOrganizations'), { recursive: true });
    await expect(make()).rejects.toMatchObject({ code: 'SETTING_INVALID', message: expect.stringContaining('belongs to no network') });
    expect(await readdir(folders.organizations)).toEqual(['peerOrganizations']);
  });
});
