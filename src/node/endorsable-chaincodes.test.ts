import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { added } from '../../test/fakes/fake-channel.ts';
import { cc, lifecycleNetwork, withPackage } from '../../test/fakes/lifecycle-network.ts';
import { channelsOf } from '../../test/fakes/recorded-channel.ts';
import { StateChanges } from '../channel/state-changes.ts';
import { LifecycleCache } from '../lifecycle/lifecycle-cache.ts';
import type { InstalledPackage } from '../packages/installed-packages.ts';
import type { InstalledChaincode } from '../packages/package-store.ts';
import { ccprovider } from '../protos/messages.ts';
import { endorsableChaincodes } from './endorsable-chaincodes.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'endorsable-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const legacy = (name: string, id: number): InstalledChaincode => ({
  name,
  version: '1.0',
  path: '',
  type: 1,
  data: new Uint8Array(),
  id: new Uint8Array([id]),
  instantiationPolicy: undefined,
});

async function peer() {
  const { org1, channel, ledger } = await lifecycleNetwork(folder);
  const installed: InstalledPackage[] = [];
  const older: InstalledChaincode[] = [];
  const listeners = new Set<(installed: InstalledPackage) => void>();
  const channels = channelsOf(channel);
  const cache = new LifecycleCache({ channels, mspId: 'Org1MSP', packages: { list: () => installed } });
  const changes = new StateChanges();
  const onInstalled = (listener: (installed: InstalledPackage) => void) => added(listeners, listener);
  const lifecycle = {
    cache,
    installed: { onInstalled },
    packages: { list: async () => older, onInstalled: (listener: () => void) => onInstalled(listener) },
  };
  const endorsable = endorsableChaincodes({ channels, lifecycle, changes });
  const names = async () => {
    cache.forget('ch');
    return (await endorsable.on('ch')).map(({ name, version }) => `${name} ${version}`);
  };
  return { org1, ledger, installed, older, changes, listeners, endorsable, names };
}

describe('what a peer says that it can endorse', () => {
  it('is what is defined, agreed to and installed, by its sequence, and the lifecycle itself', async () => {
    const { org1, installed, names } = await peer();
    expect(await names()).toEqual(['_lifecycle 1']);
    for (const name of ['zoo', 'basic', 'other']) {
      await org1.approve({ ...cc({ name }), ...withPackage(`${name}:1`) });
      await org1.commit(cc({ name }));
    }
    expect(await names()).toEqual(['_lifecycle 1']);
    installed.push({ packageId: 'zoo:1', label: 'zoo' }, { packageId: 'basic:1', label: 'basic' });
    expect(await names()).toEqual(['basic 1', 'zoo 1', '_lifecycle 1']);
    await org1.approve({ ...cc({ name: 'basic', sequence: 2n, version: '7' }), ...withPackage('basic:1') });
    expect(await names()).toEqual(['basic 1', 'zoo 1', '_lifecycle 1']);
    await org1.commit(cc({ name: 'basic', sequence: 2n, version: '7' }));
    expect(await names()).toEqual(['basic 2', 'zoo 1', '_lifecycle 1']);
  });

  it('has legacy chaincodes by their versions, if they are the same package and no newer definition has the name', async () => {
    const { org1, ledger, older, names } = await peer();
    const deployed = (name: string, id: number) =>
      ledger.state.put('lscc', name, ccprovider.ChaincodeData.encode({ name, version: '1.0', id: new Uint8Array([id]) }), [1n, 0n]);
    deployed('old', 1);
    deployed('changed', 2);
    deployed('basic', 3);
    older.push(legacy('old', 1), legacy('changed', 9), legacy('basic', 3), legacy('nowhere', 4));
    expect(await names()).toEqual(['_lifecycle 1', 'old 1.0', 'basic 1.0']);
    await org1.approve(cc({ name: 'basic' }));
    await org1.commit(cc({ name: 'basic' }));
    expect(await names()).toEqual(['_lifecycle 1', 'old 1.0']);
  });

  it('may be something else after an installation or a change of either lifecycle’s state', async () => {
    const { changes, listeners, endorsable } = await peer();
    const told: (string | undefined)[] = [];
    const listening = endorsable.onChanged((channelId) => told.push(channelId));
    changes.tell('ch', new Set(['basic']));
    changes.tell('ch', new Set(['_lifecycle']));
    changes.tell('ch', new Set(['lscc']));
    for (const listener of listeners) listener({ packageId: 'zoo:1', label: 'zoo' });
    expect(told).toEqual(['ch', 'ch', undefined, undefined]);
    listening[Symbol.dispose]();
    changes.tell('ch', new Set(['lscc']));
    expect([told.length, listeners.size]).toEqual([4, 0]);
  });
});
