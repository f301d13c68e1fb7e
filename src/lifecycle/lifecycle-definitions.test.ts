import { describe, expect, it } from 'vitest';
import { lifecycleChannel } from '../../test/fakes/lifecycle-channel.ts';
import { lifecycleDefinition } from '../../test/fakes/lifecycle-definition.ts';
import { utf8 } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import type { TxSimulator } from '../ledger/simulator/tx-simulator.ts';
import type { InstalledPackage } from '../packages/installed-packages.ts';
import type { ChaincodeDefinition, Definitions } from './definitions.ts';
import { implicitCollection } from './implicit-collections.ts';
import { LifecycleCache } from './lifecycle-cache.ts';
import {
  approvalName,
  committedName,
  definitionRecord,
  type LifecycleDefinition,
  packageRecord,
  parametersRecord,
  sourceName,
} from './lifecycle-definition.ts';
import { LifecycleDefinitions } from './lifecycle-definitions.ts';
import { LIFECYCLE, type StateRecord, type WritableRecords, writeRecord } from './records.ts';

const LEGACY: ChaincodeDefinition = {
  name: 'old',
  version: '0.1',
  ccid: 'old:0.1',
  endorsementPlugin: 'escc',
  validationPlugin: 'vscc',
  validationParameter: utf8(''),
  legacy: { data: utf8(''), id: utf8(''), instantiationPolicy: utf8('') },
};

/** A peer of Org1 and what it knows of the channel. */
function peer({ userRunsChaincode = false } = {}) {
  const { channels, channel, ledger, commit } = lifecycleChannel();
  const installed = new Map<string, InstalledPackage>();
  const packages = { list: () => [...installed.values()] };
  const cache = new LifecycleCache({ channels, mspId: 'Org1MSP', packages });
  const legacy: Definitions = {
    find: async (_, name) => (name === 'old' ? LEGACY : undefined),
    checkRunnable: async () => {
      throw new SelvageError('CHAINCODE_PACKAGE_INVALID', 'fingerprint mismatch');
    },
  };
  const definitions = new LifecycleDefinitions({ channels, cache, legacy, userRunsChaincode });
  let txs = 0;
  const transact = async (work: (simulator: TxSimulator) => Promise<void>, { told = true } = {}): Promise<void> => {
    txs += 1;
    const simulator = await ledger.simulate(`tx${txs}`);
    await work(simulator);
    await commit(simulator);
    if (told) cache.forget('ch');
  };
  const publicly = (simulator: TxSimulator): WritableRecords => ({
    get: (key) => simulator.getState(LIFECYCLE, key),
    put: (key, value) => simulator.putState(LIFECYCLE, key, value),
    delete: (key) => simulator.deleteState(LIFECYCLE, key),
  });
  const ofOrg = (simulator: TxSimulator, mspId: string): WritableRecords => ({
    get: (key) => simulator.getPrivateData(LIFECYCLE, implicitCollection(mspId), key),
    put: (key, value) => simulator.putPrivateData(LIFECYCLE, implicitCollection(mspId), key, value),
    delete: (key) => simulator.deletePrivateData(LIFECYCLE, implicitCollection(mspId), key),
  });
  return {
    channels,
    channel,
    ledger,
    cache,
    definitions,
    define: (name: string, agreed: LifecycleDefinition, options?: { told: boolean }) =>
      transact((simulator) => writeRecord(committedName(name), definitionRecord(agreed), publicly(simulator)), options),
    approve: (name: string, agreed: LifecycleDefinition, packageId: string, mspId = 'Org1MSP') =>
      transact(async (simulator) => {
        const own = ofOrg(simulator, mspId);
        await writeRecord(approvalName(name, agreed.sequence), parametersRecord(agreed), own);
        await writeRecord(sourceName(name, agreed.sequence), packageRecord(packageId), own);
      }),
    approveWithoutSource: (name: string, agreed: LifecycleDefinition, source: StateRecord) =>
      transact(async (simulator) => {
        await writeRecord(approvalName(name, agreed.sequence), parametersRecord(agreed), ofOrg(simulator, 'Org1MSP'));
        await writeRecord(sourceName(name, agreed.sequence), source, ofOrg(simulator, 'Org1MSP'));
      }),
    install: (packageId: string) => installed.set(packageId, { packageId, label: 'label' }),
    find: async (name: string, channelId = 'ch') => {
      await using simulator = await ledger.simulate('t');
      return await definitions.find(simulator, name, channelId);
    },
  };
}

const A = 'a:11';
const B = 'b:22';

describe('a chaincode of the 2.x lifecycle', () => {
  it('runs when it is defined, approved and installed', async () => {
    const { define, approve, install, find, definitions } = peer();
    await approve('cc', lifecycleDefinition(), A);
    expect(await find('cc')).toBeUndefined();
    await define('cc', lifecycleDefinition());
    await expect(find('cc')).rejects.toThrow("chaincode definition for 'cc' exists, but chaincode is not installed");
    install(A);
    const found = await find('cc');
    expect(found).toEqual({
      name: 'cc',
      version: '1.0',
      ccid: A,
      initRequired: false,
      endorsementPlugin: 'escc',
      validationPlugin: 'vscc',
      validationParameter: Buffer.from('policy'),
    });
    if (found !== undefined) await definitions.checkRunnable(found);
  });

  it('does not run for an organisation that approved nothing, or something else', async () => {
    const { define, approve, install, find } = peer();
    install(A);
    await define('cc', lifecycleDefinition());
    const text = "chaincode definition for 'cc' at sequence 1 on channel 'ch' has not yet been approved by this org";
    await expect(find('cc')).rejects.toThrow(text);
    await approve('cc', lifecycleDefinition(), A, 'Org2MSP');
    await expect(find('cc')).rejects.toThrow(text);
    await approve('cc', lifecycleDefinition({ version: '1.1' }), A);
    await expect(find('cc')).rejects.toThrow(text);
    await approve('cc', lifecycleDefinition(), A);
    expect((await find('cc'))?.ccid).toBe(A);
  });

  it('runs the package that was approved last', async () => {
    const { define, approve, install, find } = peer();
    for (const id of [A, B]) install(id);
    await approve('cc', lifecycleDefinition(), A);
    await define('cc', lifecycleDefinition());
    await approve('cc', lifecycleDefinition(), B);
    expect((await find('cc'))?.ccid).toBe(B);
    await approve('cc', lifecycleDefinition(), '');
    await expect(find('cc')).rejects.toThrow('exists, but chaincode is not installed');
    await approve('cc', lifecycleDefinition(), A);
    expect((await find('cc'))?.ccid).toBe(A);
  });

  it('needs a source of a kind that it knows', async () => {
    const { define, approveWithoutSource, install, find } = peer();
    install(A);
    await define('cc', lifecycleDefinition());
    await approveWithoutSource('cc', lifecycleDefinition(), { ...packageRecord(A), datatype: 'ChaincodeRemotePackage' });
    await expect(find('cc')).rejects.toThrow('exists, but chaincode is not installed');
  });

  it('must be approved again when its next sequence is committed', async () => {
    const { define, approve, install, find } = peer();
    install(A);
    await approve('cc', lifecycleDefinition(), A);
    await define('cc', lifecycleDefinition());
    const next = lifecycleDefinition({ sequence: 2n, version: '2.0', initRequired: true });
    await define('cc', next);
    await expect(find('cc')).rejects.toThrow(
      "chaincode definition for 'cc' at sequence 2 on channel 'ch' has not yet been approved by this org",
    );
    await approve('cc', next, A);
    expect(await find('cc')).toMatchObject({ version: '2.0', initRequired: true, ccid: A });
  });

  it('is started by its user under name and version, where they do that and nothing is installed', async () => {
    const { define, approve, install, find } = peer({ userRunsChaincode: true });
    await define('cc', lifecycleDefinition());
    await expect(find('cc')).rejects.toThrow('has not yet been approved by this org');
    await approve('cc', lifecycleDefinition(), A);
    expect((await find('cc'))?.ccid).toBe('cc:1.0');
    install(A);
    expect((await find('cc'))?.ccid).toBe(A);
  });

  it('is read again when the state is newer than what is known, and tried again when it is older', async () => {
    const { ledger, define, approve, install, find, definitions } = peer();
    install(A);
    await approve('cc', lifecycleDefinition(), A);
    await define('cc', lifecycleDefinition());
    await find('cc');
    await using old = await ledger.simulate('old');
    const next = lifecycleDefinition({ sequence: 2n, version: '2.0' });
    await approve('cc', next, A);
    await find('cc');
    await define('cc', next, { told: false });
    expect((await find('cc'))?.version).toBe('2.0');
    await expect(async () => definitions.find(old, 'cc', 'ch')).rejects.toMatchObject({
      code: 'DEFINITION_CHANGED',
      message: "chaincode cache at sequence 2 but current sequence is 1, chaincode definition for 'cc' changed during invoke",
    });
  });

  it('leaves the legacy lifecycle what it does not define itself', async () => {
    const { define, find, definitions, channel } = peer();
    expect(await find('old')).toEqual(LEGACY);
    await expect(definitions.checkRunnable(LEGACY)).rejects.toThrow('fingerprint mismatch');
    expect(await find('ghost')).toBeUndefined();
    expect(await find('')).toBeUndefined();
    await define('old', lifecycleDefinition());
    await expect(find('old')).rejects.toThrow('has not yet been approved');
    const bundle = channel.bundle();
    const { application } = bundle;
    if (application === undefined) throw new Error('no application');
    channel.bundle = () => ({
      ...bundle,
      application: { ...application, capabilities: { ...application.capabilities, lifecycleV20: false } },
    });
    expect(await find('old')).toEqual(LEGACY);
  });

  it('is found by one recorded read', async () => {
    const { define, approve, install, ledger, definitions } = peer();
    install(A);
    await approve('cc', lifecycleDefinition(), A);
    await define('cc', lifecycleDefinition());
    const reads: string[] = [];
    await using simulator = await ledger.simulate('t');
    const state = {
      getState: (namespace: string, key: string) => {
        reads.push(`${namespace} ${key}`);
        return simulator.getState(namespace, key);
      },
    };
    await definitions.find(state, 'cc', 'ch');
    expect(reads).toEqual(['_lifecycle namespaces/fields/cc/Sequence']);
  });
});

describe('what is known of the lifecycle', () => {
  it('says who runs a package, and what can run', async () => {
    const { define, approve, install, cache } = peer();
    await approve('cc', lifecycleDefinition(), A);
    await define('cc', lifecycleDefinition());
    await approve('dd', lifecycleDefinition(), A);
    await define('dd', lifecycleDefinition({ version: '1.0' }));
    expect((await cache.referencesTo(A)).size).toBe(0);
    install(A);
    expect([...(await cache.referencesTo(A))]).toEqual([['ch', ['cc', 'dd'].map((name) => ({ name, version: '1.0', ccid: A }))]]);
    expect([...(await cache.runnable()).keys()]).toEqual([A]);
  });

  it('runs no package for a definition that was not approved', async () => {
    const { define, approve, install, cache } = peer();
    await approve('cc', lifecycleDefinition({ version: '1.1' }), A);
    await define('cc', lifecycleDefinition());
    install(A);
    expect((await cache.find('ch', 'cc')).installed).toBeUndefined();
    expect((await cache.runnable()).size).toBe(0);
  });

  it('is nothing of channels and chaincodes that there are not', async () => {
    const { cache } = peer();
    await expect(cache.find('nochan', 'cc')).rejects.toThrow("unknown channel 'nochan'");
    await expect(cache.find('ch', 'cc')).rejects.toThrow("unknown chaincode 'cc' for channel 'ch'");
  });

  it('changes with blocks that write there, and no others', () => {
    const concerns = (...namespaces: string[]) => LifecycleCache.concerns(new Set(namespaces));
    expect(concerns('_lifecycle')).toBe(true);
    expect(concerns('cc', '_lifecycle$$h_implicit_org_Org1MSP')).toBe(true);
    expect(concerns('cc', 'lscc', '_lifecycle$$p_implicit_org_Org1MSP')).toBe(false);
  });

  it('is asked for again after it could not be read', async () => {
    const { ledger, cache, define } = peer();
    await define('cc', lifecycleDefinition());
    const snapshot = ledger.snapshot.bind(ledger);
    ledger.snapshot = () => {
      throw new SelvageError('LEDGER_UNAVAILABLE', 'not now');
    };
    await expect(cache.find('ch', 'cc')).rejects.toThrow('not now');
    ledger.snapshot = snapshot;
    expect((await cache.find('ch', 'cc')).definition.version).toBe('1.0');
  });
});
