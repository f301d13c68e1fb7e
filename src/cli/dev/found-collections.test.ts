import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Scope } from '../../common/scope.ts';
import { collectionsIn } from './found-collections.ts';

it('collections keep the copies that they require, as far as there are peers of other members', async () => {
  await using scope = new Scope();
  const folder = await mkdtemp(join(tmpdir(), 'selvage-collections-'));
  scope.defer(() => rm(folder, { recursive: true }));
  const ofOrgs = (name: string, orgs: readonly number[], requiredPeerCount: number) => ({
    name,
    policy: `OR(${orgs.map((org) => `'Org${org}MSP.member'`).join(', ')})`,
    requiredPeerCount,
    maxPeerCount: 3,
  });
  const file = [ofOrgs('alone', [1], 1), ofOrgs('shared', [1, 2], 1), ofOrgs('wide', [1, 2, 3], 3), ofOrgs('free', [1, 2], 0)];
  await writeFile(join(folder, 'collections_config.json'), JSON.stringify(file));

  const { config, lowered, members } = collectionsIn('collections_config.json', folder);
  expect(config.config?.map(({ staticCollectionConfig }) => staticCollectionConfig?.requiredPeerCount)).toEqual([0, 1, 2, 0]);
  expect(lowered).toEqual([
    { name: 'alone', asked: 1, possible: 0 },
    { name: 'wide', asked: 3, possible: 2 },
  ]);
  expect(members).toEqual(['Org1MSP', 'Org2MSP', 'Org3MSP']);
});
