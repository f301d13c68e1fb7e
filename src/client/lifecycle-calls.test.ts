import { afterEach, describe, expect, it } from 'vitest';
import { scriptedPeer } from '../../test/fakes/scripted-network.ts';
import { textOf, utf8 } from '../common/bytes.ts';
import { Scope } from '../common/scope.ts';
import type { Signer } from '../msp/identity.ts';
import { common, lifecycle, protos } from '../protos/messages.ts';
import {
  approvedDefinition,
  approveProposal,
  commitProposal,
  commitReadiness,
  committedDefinition,
  committedDefinitions,
  type DefinitionSpec,
  installedPackage,
  installedPackages,
  installPackage,
} from './lifecycle-calls.ts';
import type { ProposalSpec } from './proposal.ts';
import type { Caller } from './system-calls.ts';

const never = { signal: new AbortController().signal };
const signer: Signer = { mspId: 'Org1MSP', serialized: utf8('creator'), sign: () => utf8('signature') };

let scope = new Scope();
afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  scope = new Scope();
});

interface Asked {
  channelId: string;
  chaincode: string | undefined;
  function: string;
  args: Uint8Array;
}

/** A peer that gives one answer to whatever it is asked, and what it was asked. */
async function peerSaying(payload: Uint8Array, { status = 200, message = '' } = {}): Promise<{ caller: Caller; asked: Asked }> {
  const asked: Asked = { channelId: '?', chaincode: undefined, function: '', args: utf8('') };
  const peer = await scriptedPeer(scope, {
    endorse: ({ proposalBytes }) => {
      const proposal = protos.Proposal.decode(proposalBytes);
      const { chaincodeSpec } = protos.ChaincodeInvocationSpec.decode(protos.ChaincodeProposalPayload.decode(proposal.payload).input);
      const [name = utf8(''), args = utf8('')] = chaincodeSpec?.input?.args ?? [];
      asked.channelId = common.ChannelHeader.decode(common.Header.decode(proposal.header).channelHeader).channelId;
      asked.chaincode = chaincodeSpec?.chaincodeId?.name;
      asked.function = textOf(name);
      asked.args = args;
      return { response: { status, message, payload } };
    },
  });
  return { caller: { peer, signer }, asked };
}

const DEFINITION: DefinitionSpec = { channelId: 'mychannel', name: 'basic', version: '1.0', sequence: 3n, initRequired: true };
const PACKAGE = utf8('a package');

describe('calls of _lifecycle', () => {
  it('install a package, on no channel', async () => {
    const { caller, asked } = await peerSaying(lifecycle.InstallChaincodeResult.encode({ packageId: 'basic:ab', label: 'basic' }));
    expect(await installPackage(caller, PACKAGE, never)).toEqual({ packageId: 'basic:ab', label: 'basic' });
    expect(asked).toMatchObject({ channelId: '', chaincode: '_lifecycle', function: 'InstallChaincode' });
    expect(textOf(lifecycle.InstallChaincodeArgs.decode(asked.args).chaincodeInstallPackage)).toBe('a package');
  });

  it('ask for packages', async () => {
    const list = await peerSaying(lifecycle.QueryInstalledChaincodesResult.encode({ installedChaincodes: [{ packageId: 'basic:ab' }] }));
    expect((await installedPackages(list.caller, never)).installedChaincodes).toMatchObject([{ packageId: 'basic:ab' }]);
    expect(list.asked).toMatchObject({ channelId: '', function: 'QueryInstalledChaincodes' });
    const one = await peerSaying(lifecycle.GetInstalledChaincodePackageResult.encode({ chaincodeInstallPackage: PACKAGE }));
    expect(textOf(await installedPackage(one.caller, 'basic:ab', never))).toBe('a package');
    expect(lifecycle.GetInstalledChaincodePackageArgs.decode(one.asked.args)).toEqual({ packageId: 'basic:ab' });
  });

  it('ask for definitions, on their channel', async () => {
    const ready = await peerSaying(lifecycle.CheckCommitReadinessResult.encode({ approvals: new Map([['Org1MSP', true]]) }));
    expect((await commitReadiness(ready.caller, DEFINITION, never)).approvals).toEqual(new Map([['Org1MSP', true]]));
    expect(ready.asked).toMatchObject({ channelId: 'mychannel', function: 'CheckCommitReadiness' });
    expect(lifecycle.CheckCommitReadinessArgs.decode(ready.asked.args)).toMatchObject({ name: 'basic', sequence: 3n, initRequired: true });
    const approved = await peerSaying(lifecycle.QueryApprovedChaincodeDefinitionResult.encode({ sequence: 2n }));
    expect(await approvedDefinition(approved.caller, { channelId: 'mychannel', name: 'basic', sequence: 2n }, never)).toMatchObject({
      sequence: 2n,
    });
    expect(lifecycle.QueryApprovedChaincodeDefinitionArgs.decode(approved.asked.args)).toEqual({ name: 'basic', sequence: 2n });
    const committed = await peerSaying(lifecycle.QueryChaincodeDefinitionResult.encode({ version: '1.0' }));
    expect(await committedDefinition(committed.caller, DEFINITION, never)).toMatchObject({ version: '1.0' });
    const all = await peerSaying(lifecycle.QueryChaincodeDefinitionsResult.encode({ chaincodeDefinitions: [{ name: 'basic' }] }));
    expect((await committedDefinitions(all.caller, 'mychannel', never)).chaincodeDefinitions).toMatchObject([{ name: 'basic' }]);
    expect(all.asked).toMatchObject({ channelId: 'mychannel', function: 'QueryChaincodeDefinitions' });
  });

  it.each([
    ['install', (caller: Caller) => installPackage(caller, PACKAGE, never), 'chaincode install failed with status: 404 - no such thing'],
    ['query', (caller: Caller) => committedDefinition(caller, DEFINITION, never), 'query failed with status: 404 - no such thing'],
    ['fetch', (caller: Caller) => installedPackage(caller, 'x', never), 'proposal failed with status: 404 - no such thing'],
  ])('%s tells a refusal in the words of the stock command line', async (_, call, message) => {
    const { caller } = await peerSaying(utf8(''), { status: 404, message: 'no such thing' });
    await expect(call(caller)).rejects.toMatchObject({ code: 'REFUSED_BY_PEER', message, details: { status: 404 } });
  });
});

describe('proposals for _lifecycle', () => {
  const argsOf = ({ args }: ProposalSpec): Uint8Array => (args[1] instanceof Uint8Array ? args[1] : utf8(''));

  it('approve with a package or without', () => {
    const withPackage = approveProposal(DEFINITION, 'basic:ab');
    expect(withPackage).toMatchObject({
      channelId: 'mychannel',
      chaincode: '_lifecycle',
      args: ['ApproveChaincodeDefinitionForMyOrg', expect.anything()],
    });
    expect(lifecycle.ApproveChaincodeDefinitionForMyOrgArgs.decode(argsOf(withPackage))).toMatchObject({
      sequence: 3n,
      source: { localPackage: { packageId: 'basic:ab' }, unavailable: undefined },
    });
    expect(lifecycle.ApproveChaincodeDefinitionForMyOrgArgs.decode(argsOf(approveProposal(DEFINITION, undefined)))).toMatchObject({
      source: { localPackage: undefined, unavailable: {} },
    });
  });

  it('commit', () => {
    const proposal = commitProposal(DEFINITION);
    expect(proposal).toMatchObject({ channelId: 'mychannel', args: ['CommitChaincodeDefinition', expect.anything()] });
    expect(lifecycle.CommitChaincodeDefinitionArgs.decode(argsOf(proposal))).toMatchObject({ name: 'basic', version: '1.0', sequence: 3n });
  });
});
