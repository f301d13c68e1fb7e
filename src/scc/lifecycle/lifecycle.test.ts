import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  approving,
  backing,
  cc,
  collection,
  committing,
  defaultPolicy,
  lifecycleNetwork,
  withPackage,
} from '../../../test/fakes/lifecycle-network.ts';
import { call } from '../../../test/fakes/system-calls.ts';
import { utf8 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import { buildLifecyclePackage, packageIdOf } from '../../packages/lifecycle-package.ts';
import { lifecycle } from '../../protos/messages.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { LifecycleParts } from './parts.ts';

const never = { signal: new AbortController().signal };

describe('_lifecycle', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-lifecycle-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const network = (changed: Partial<LifecycleParts> = {}) => lifecycleNetwork(folder, changed);

  describe('lets in', () => {
    it('exactly a function and its arguments', async () => {
      const { scc } = (await network()).org1;
      const text = async (...args: string[]) => (await scc.invoke(call(args), never)).message;
      expect(await text()).toBe('lifecycle scc must be invoked with arguments');
      expect(await text('QueryInstalledChaincodes')).toBe('lifecycle scc operations require exactly two arguments but received 1');
      expect(await text('a', 'b', 'c')).toBe('lifecycle scc operations require exactly two arguments but received 3');
    });

    it('channels that it knows and that have the capability', async () => {
      const { org1, channel } = await network();
      const response = await org1.scc.invoke(call(['QueryChaincodeDefinitions', ''], { channelId: 'other' }), never);
      expect(response).toMatchObject({ status: 500, message: "could not get channelconfig for channel 'other'" });
      const bundle = channel.bundle();
      channel.bundle = () => ({ ...bundle, application: undefined });
      expect((await org1.run('QueryChaincodeDefinitions', utf8(''))).message).toBe("could not get application config for channel 'ch'");
      const { application } = bundle;
      if (application === undefined) throw new Error('no application');
      channel.bundle = () => ({
        ...bundle,
        application: { ...application, capabilities: { ...application.capabilities, lifecycleV20: false } },
      });
      expect((await org1.run('QueryChaincodeDefinitions', utf8(''))).message).toBe(
        "cannot use new lifecycle for channel 'ch' as it does not have the required capabilities enabled",
      );
    });

    it('who may use the function, on the channel or at this peer', async () => {
      const asked: string[] = [];
      const access = {
        check: async (resource: string) => {
          asked.push(`channel ${resource}`);
          throw new SelvageError('ACCESS_DENIED', 'not you');
        },
        checkLocal: async (resource: string) => {
          asked.push(`local ${resource}`);
          throw new SelvageError('ACCESS_DENIED', 'Unmapped policy for _lifecycle/Nope');
        },
      };
      const { org1 } = await network({ access });
      expect((await org1.run('CommitChaincodeDefinition', utf8(''))).message).toBe(
        'Failed to authorize invocation due to failed ACL check: not you',
      );
      const response = await org1.scc.invoke(call(['Nope', ''], { channelId: '' }), never);
      expect(response.message).toBe('Failed to authorize invocation due to failed ACL check: Unmapped policy for _lifecycle/Nope');
      expect(asked).toEqual(['channel _lifecycle/CommitChaincodeDefinition', 'local _lifecycle/Nope']);
    });

    it('functions that there are', async () => {
      const { message } = await (await network()).org1.run('QueryApprovedChaincodeDefinitions', utf8(''));
      const text = 'receiver *lifecycle.Invocation.QueryApprovedChaincodeDefinitions does not exist';
      expect(message).toBe(backing('QueryApprovedChaincodeDefinitions', text));
    });

    it('arguments that decode', async () => {
      const { message } = await (await network()).org1.run('QueryChaincodeDefinition', Uint8Array.of(0xff));
      expect(message).toMatch(
        /^failed to invoke backing implementation of 'QueryChaincodeDefinition': could not decode input arg for \*lifecycle.Invocation.QueryChaincodeDefinition: /,
      );
    });
  });

  describe('packages', () => {
    const atPeer = async (scc: Lifecycle, fn: string, args: Uint8Array) => scc.invoke(call([fn, args], { channelId: '' }), never);

    it('are installed, listed with who runs them, and given back', async () => {
      const { org1 } = await network();
      const chaincodeInstallPackage = await buildLifecyclePackage({ label: 'cc_1', type: 'node', path: '', codePackage: utf8('code') });
      const packageId = packageIdOf('cc_1', chaincodeInstallPackage);
      const install = () => atPeer(org1.scc, 'InstallChaincode', lifecycle.InstallChaincodeArgs.encode({ chaincodeInstallPackage }));
      expect(lifecycle.InstallChaincodeResult.decode((await install()).payload)).toEqual({ packageId, label: 'cc_1' });
      expect((await install()).message).toBe(
        backing('InstallChaincode', `chaincode already successfully installed (package ID '${packageId}')`),
      );
      const one = async () => {
        const { payload } = await atPeer(org1.scc, 'QueryInstalledChaincode', lifecycle.QueryInstalledChaincodeArgs.encode({ packageId }));
        return lifecycle.QueryInstalledChaincodeResult.decode(payload).references;
      };
      expect((await one()).size).toBe(0);
      await org1.approve({ ...cc(), ...withPackage(packageId) });
      expect((await one()).size).toBe(0);
      await org1.commit(cc());
      expect((await one()).get('ch')?.chaincodes).toEqual([{ name: 'cc', version: '1.0' }]);
      const all = await atPeer(org1.scc, 'QueryInstalledChaincodes', utf8(''));
      expect(lifecycle.QueryInstalledChaincodesResult.decode(all.payload).installedChaincodes).toMatchObject([
        { packageId, label: 'cc_1' },
      ]);
      const got = await atPeer(org1.scc, 'GetInstalledChaincodePackage', lifecycle.GetInstalledChaincodePackageArgs.encode({ packageId }));
      const { chaincodeInstallPackage: returned } = lifecycle.GetInstalledChaincodePackageResult.decode(got.payload);
      expect(Buffer.from(returned).equals(chaincodeInstallPackage)).toBe(true);
    });

    it('that are not there are told', async () => {
      const { scc } = (await network()).org1;
      const one = await atPeer(scc, 'QueryInstalledChaincode', lifecycle.QueryInstalledChaincodeArgs.encode({ packageId: 'a:b' }));
      expect(one).toMatchObject({
        status: 500,
        message: backing('QueryInstalledChaincode', "could not find chaincode with package id 'a:b'"),
      });
      const bytes = await atPeer(
        scc,
        'GetInstalledChaincodePackage',
        lifecycle.GetInstalledChaincodePackageArgs.encode({ packageId: 'a:b' }),
      );
      expect(bytes.message).toBe(
        backing('GetInstalledChaincodePackage', "could not load cc install package: chaincode install package 'a:b' not found"),
      );
    });
  });

  describe('approval and commit', () => {
    it('lead from one organisation to the other to a definition, and on to the next sequence', async () => {
      const { org1, org2 } = await network();
      expect(await org1.ready(cc())).toEqual({ Org1MSP: false, Org2MSP: false });
      expect((await org1.approve({ ...cc(), ...withPackage('cc_1:aa') })).status).toBe(200);
      expect(await org2.ready(cc())).toEqual({ Org1MSP: true, Org2MSP: false });
      expect(await org2.ready(cc({ version: '1.1' }))).toEqual({ Org1MSP: false, Org2MSP: false });
      expect((await org2.commit(cc())).message).toBe(committing('chaincode definition not agreed to by this org (Org2MSP)'));
      await org2.approve(cc());
      expect((await org2.commit(cc())).status).toBe(200);
      expect((await org1.commit(cc())).message).toBe(committing('requested sequence is 1, but new definition must be sequence 2'));

      await org1.approve({ ...cc({ sequence: 2n, version: '2.0', initRequired: true }), ...withPackage('cc_2:bb') });
      expect(await org1.ready(cc({ sequence: 2n, version: '2.0', initRequired: true }))).toEqual({ Org1MSP: true, Org2MSP: false });
      expect(await org1.ready(cc({ sequence: 2n, version: '2.0' }))).toEqual({ Org1MSP: false, Org2MSP: false });
      expect((await org1.commit(cc({ sequence: 2n, version: '2.0', initRequired: true }))).status).toBe(200);
    });

    it('write and read what other peers do', async () => {
      const { org1, org2 } = await network();
      const approval = await org1.approve(cc(), { committed: false });
      expect(approval.rwset).toEqual([
        {
          namespace: '_lifecycle',
          reads: ['namespaces/fields/cc/Sequence', 'namespaces/metadata/cc'],
          writes: [],
          collections: [{ name: '_implicit_org_Org1MSP', reads: 2, writes: 6 }],
        },
        { namespace: 'lscc', reads: ['cc'], writes: [], collections: [] },
      ]);
      await org1.approve(cc());
      await org2.approve(cc());
      const fields = ['Collections', 'EndorsementInfo', 'Sequence', 'ValidationInfo'].map((field) => `namespaces/fields/cc/${field}`);
      const committed = await org1.commit(cc(), { committed: false });
      expect(committed.rwset[0]).toEqual({
        namespace: '_lifecycle',
        reads: ['namespaces/fields/cc/Sequence', 'namespaces/metadata/cc'],
        writes: [...fields, 'namespaces/metadata/cc'],
        collections: ['Org1MSP', 'Org2MSP'].map((mspId) => ({ name: `_implicit_org_${mspId}`, reads: 4, writes: 0 })),
      });
      await org1.commit(cc());
      const next = await org1.approve(cc({ sequence: 2n, version: '2.0' }), { committed: false });
      expect(next.rwset[0]?.reads).toEqual([...fields, 'namespaces/metadata/cc']);
    });

    it('are of the committed sequence or the next', async () => {
      const { org1 } = await network();
      const text = async (sequence: bigint) => (await org1.approve(cc({ sequence }))).message;
      expect(await text(0n)).toBe(approving('requested sequence is 0, but first definable sequence number is 1'));
      expect(await text(-1n)).toBe(approving('currently defined sequence 0 is larger than requested sequence -1'));
      expect(await text(2n)).toBe(approving('requested sequence 2 is larger than the next available sequence number 1'));
      for (const sequence of [1n, 2n]) {
        await org1.approve(cc({ sequence }));
        await org1.commit(cc({ sequence }));
      }
      expect(await text(1n)).toBe(approving('currently defined sequence 2 is larger than requested sequence 1'));
      expect(await org1.ready(cc({ sequence: 4n }))).toBe(
        backing('CheckCommitReadiness', 'requested sequence is 4, but new definition must be sequence 3'),
      );
    });

    it('can be repeated for another package, not for nothing', async () => {
      const { org1 } = await network();
      const unchanged = approving('attempted to redefine uncommitted sequence (1) for namespace cc with unchanged content');
      await org1.approve({ ...cc(), ...withPackage('a:1') });
      expect((await org1.approve({ ...cc(), ...withPackage('a:1') })).message).toBe(unchanged);
      expect((await org1.approve({ ...cc(), ...withPackage('a:2') })).status).toBe(200);
      expect((await org1.approve({ ...cc({ version: '1.1' }), ...withPackage('a:2') })).status).toBe(200);
      await org1.approve(cc());
      expect((await org1.approve({ ...cc(), source: { unavailable: {} } })).message).toBe(unchanged);
      await org1.commit(cc());
      expect((await org1.approve(cc())).status).toBe(200);
      expect((await org1.approve({ ...cc(), ...withPackage('a:3') })).status).toBe(200);
    });

    it('of the committed sequence are of exactly what is committed', async () => {
      const { org1 } = await network();
      const definition = { ...cc(), collections: { config: [collection()] } };
      await org1.approve(definition);
      await org1.commit(definition);
      const prefix = 'attempted to redefine the current committed sequence (1) for namespace cc with different parameters: ';
      const text = async (changed: lifecycle.CommitChaincodeDefinitionArgsInit) =>
        (await org1.approve({ ...definition, ...changed })).message;
      expect(await text({ version: '1.1' })).toBe(approving(`${prefix}expected Version '1.0' does not match passed Version '1.1'`));
      expect(await text({ initRequired: true })).toBe(
        approving(`${prefix}expected InitRequired 'false' does not match passed InitRequired 'true'`),
      );
      expect(await text({ endorsementPlugin: 'e' })).toBe(
        approving(`${prefix}expected EndorsementPlugin 'escc' does not match passed EndorsementPlugin 'e'`),
      );
      expect(await text({ validationPlugin: 'v' })).toBe(
        approving(`${prefix}expected ValidationPlugin 'vscc' does not match passed ValidationPlugin 'v'`),
      );
      expect(await text({ validationParameter: Uint8Array.of(1) })).toBe(
        approving(
          `${prefix}expected ValidationParameter '${Buffer.from(defaultPolicy).toString('hex')}' does not match passed ValidationParameter '01'`,
        ),
      );
      expect(await text({ collections: { config: [collection({ maximumPeerCount: 2 })] } })).toBe(
        approving(`${prefix}Collections do not match`),
      );
    });

    it('need a policy, named or the channel’s', async () => {
      const { org1, channel } = await network();
      const bundle = channel.bundle();
      channel.bundle = () => ({ ...bundle, policies: { ...bundle.policies, has: () => false } });
      const text =
        "could not set defaults for chaincode definition in channel ch: policy '/Channel/Application/Endorsement' must be defined for channel 'ch' before chaincode operations can be attempted";
      expect((await org1.approve(cc())).message).toBe(approving(text));
      expect((await org1.approve(cc({ validationParameter: defaultPolicy }))).status).toBe(200);
    });

    it('are only for organisations of the channel', async () => {
      const { org1, channel } = await network();
      const bundle = channel.bundle();
      const { application } = bundle;
      if (application === undefined) throw new Error('no application');
      channel.bundle = () => ({ ...bundle, application: { ...application, orgs: application.orgs.slice(1) } });
      expect((await org1.commit(cc())).message).toBe(
        committing("impossibly, this peer's org is processing requests for a channel it is not a member of"),
      );
    });
  });

  describe('queries', () => {
    it('tell what is approved: the newest, or by sequence', async () => {
      const { org1, org2 } = await network();
      const query = async (peer: typeof org1, sequence = 0n) => {
        const args = lifecycle.QueryApprovedChaincodeDefinitionArgs.encode({ name: 'cc', sequence });
        const { status, message, payload } = await peer.run('QueryApprovedChaincodeDefinition', args);
        return status === 200 ? lifecycle.QueryApprovedChaincodeDefinitionResult.decode(payload) : message;
      };
      const missing = (sequence: number) =>
        backing(
          'QueryApprovedChaincodeDefinition',
          `could not fetch approved chaincode definition (name: 'cc', sequence: '${sequence}') on channel 'ch'`,
        );
      expect(await query(org1)).toBe(missing(0));
      await org1.approve({ ...cc(), ...withPackage('a:1') });
      expect(await query(org1)).toMatchObject({
        sequence: 1n,
        version: '1.0',
        endorsementPlugin: 'escc',
        validationPlugin: 'vscc',
        collections: { config: [] },
        source: { localPackage: { packageId: 'a:1' } },
      });
      await org1.commit(cc());
      await org1.approve(cc({ sequence: 2n, version: '2.0' }));
      expect(await query(org1)).toMatchObject({ sequence: 2n, version: '2.0', source: { unavailable: {}, localPackage: undefined } });
      expect(await query(org1, 1n)).toMatchObject({ sequence: 1n, version: '1.0' });
      expect(await query(org1, 3n)).toBe(missing(3));
      expect(await query(org2)).toBe(missing(0));
    });

    it('tell what is committed, and who approved it', async () => {
      const { org1, org2 } = await network();
      const definition = (name: string) => ({ ...cc(), name, collections: { config: [collection()] } });
      const query = (name: string) => org2.run('QueryChaincodeDefinition', lifecycle.QueryChaincodeDefinitionArgs.encode({ name }));
      expect(await query('cc')).toMatchObject({ status: 404, message: 'namespace cc is not defined' });
      for (const name of ['cc', 'aa']) {
        await org1.approve(definition(name));
        await org1.commit(definition(name));
      }
      const { approvals, ...found } = lifecycle.QueryChaincodeDefinitionResult.decode((await query('cc')).payload);
      expect(Object.fromEntries(approvals)).toEqual({ Org1MSP: true, Org2MSP: false });
      expect(found).toMatchObject({ sequence: 1n, version: '1.0', validationParameter: Buffer.from(defaultPolicy), initRequired: false });
      expect(found.collections?.config[0]?.staticCollectionConfig?.name).toBe('shared');
      const all = await org2.run('QueryChaincodeDefinitions', utf8(''));
      const { chaincodeDefinitions } = lifecycle.QueryChaincodeDefinitionsResult.decode(all.payload);
      expect(chaincodeDefinitions.map(({ name }) => name)).toEqual(['aa', 'cc']);
    });

    it('need a channel', async () => {
      const { scc } = (await network()).org1;
      const { message } = await scc.invoke(call(['QueryChaincodeDefinitions', ''], { channelId: '' }), never);
      expect(message).toBe(backing('QueryChaincodeDefinitions', "no application config for channel ''"));
    });
  });
});
