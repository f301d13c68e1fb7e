import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allowAll, never } from '../../../test/fakes/open-endorser.ts';
import { openBundle, proposal } from '../../../test/fakes/proposals.ts';
import { channelsOf, memoryChannel } from '../../../test/fakes/recorded-channel.ts';
import { call } from '../../../test/fakes/system-calls.ts';
import type { Channel } from '../../channel/channel.ts';
import { textOf, utf8 } from '../../common/bytes.ts';
import { SelvageError } from '../../common/errors.ts';
import type { ApplicationCapabilities } from '../../msp/channelconfig/channel-bundle.ts';
import { parsePackage } from '../../packages/chaincode-package.ts';
import { PackageStore } from '../../packages/package-store.ts';
import { ccprovider, common, protos } from '../../protos/messages.ts';
import { Lscc } from './lscc.ts';
import type { LsccParts } from './parts.ts';

const deploymentSpec = (name: string, version = '1.0', args: readonly string[] = []) =>
  protos.ChaincodeDeploymentSpec.encode({
    chaincodeSpec: {
      type: protos.ChaincodeSpec_Type.NODE,
      chaincodeId: { name, version, path: `path/of/${name}` },
      input: { args: args.map(utf8) },
    },
  });

const signedSpec = (name: string, instantiationPolicy: Uint8Array) => {
  const data = protos.SignedChaincodeDeploymentSpec.encode({ chaincodeDeploymentSpec: deploymentSpec(name), instantiationPolicy });
  const channelHeader = common.ChannelHeader.encode({ type: common.HeaderType.CHAINCODE_PACKAGE });
  return common.Envelope.encode({ payload: common.Payload.encode({ header: { channelHeader }, data }) });
};

const MODERN = { lifecycleV20: true, level: 'V2_0' };

let folder = '';
let packages: PackageStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lscc-'));
  packages = new PackageStore({ directory: folder });
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What the channel's policies say of the caller: undefined is yes. */
interface World {
  readonly capabilities?: Partial<ApplicationCapabilities>;
  readonly instantiation?: (policy: Uint8Array) => string | undefined;
  readonly parts?: Partial<LsccParts>;
  readonly others?: readonly Channel[];
}

function world({ capabilities = {}, instantiation = () => undefined, parts = {}, others = [] }: World = {}) {
  const open = openBundle('ch');
  const application = open.application && { ...open.application, capabilities: { ...open.application.capabilities, ...capabilities } };
  const signaturePolicy = (policy: Uint8Array) => ({
    evaluate: async () => {
      const reason = instantiation(policy);
      return reason === undefined ? ({ ok: true } as const) : ({ ok: false, reason } as const);
    },
  });
  const channel = memoryChannel({ ...open, application, signaturePolicy });
  const lscc = new Lscc({
    channels: channelsOf(channel, ...others),
    access: allowAll,
    packages,
    isSystem: (name) => name === 'qscc',
    endorsementPlugins: new Set(['escc', 'mine']),
    validationPlugins: new Set(['vscc']),
    ...parts,
  });
  const ask = async (args: readonly (string | Uint8Array)[], channelId = 'ch') => {
    await using simulator = await channel.ledger.simulate('t');
    const { status, message, payload } = await lscc.invoke(call(args, { channelId, simulator }), never);
    return status === 200 ? payload : message;
  };
  const askWithoutChannel = async (args: readonly (string | Uint8Array)[]) => {
    const signedProposal = proposal({ channelId: '' });
    const made = call(args, { channelId: '' });
    const { status, message, payload } = await lscc.invoke({ ...made, proposal: { ...made.proposal, signedProposal } }, never);
    return status === 200 ? payload : message;
  };
  /** Like {@link ask}, and what was written to `lscc` is then committed. */
  const commit = async (args: readonly (string | Uint8Array)[]) => {
    const answer = await ask(args);
    if (answer instanceof Uint8Array) channel.ledger.state.put('lscc', ccprovider.ChaincodeData.decode(answer).name, answer, [1n, 0n]);
    return answer;
  };
  return { ask, askWithoutChannel, commit, channel };
}

const install = (bytes: Uint8Array) => packages.install(parsePackage(bytes));
const text = (answer: string | Uint8Array) => (typeof answer === 'string' ? answer : textOf(answer));
const data = (answer: string | Uint8Array) => ccprovider.ChaincodeData.decode(typeof answer === 'string' ? new Uint8Array() : answer);

describe('arguments', () => {
  it.each([
    [[], 'invalid number of argument to lscc 0'],
    [['nofn'], 'invalid function to lscc nofn'],
    [['install'], 'invalid number of argument to lscc 1'],
    [['deploy', 'ch'], 'invalid number of argument to lscc 2'],
    [['deploy', 'ch', 'x', '', '', '', ''], 'invalid number of argument to lscc 7'],
    [['deploy', '', 'x'], 'invalid chain name '],
    [['upgrade', 'other', 'x'], 'invalid chain name other'],
    [['getid', 'ch'], 'invalid number of argument to lscc 2'],
    [['getccdata', 'other', 'cc'], 'invalid chain name other'],
    [['getdepspec', 'ch', 'cc', 'x'], 'invalid number of argument to lscc 4'],
    [['getchaincodes', 'x'], 'invalid number of argument to lscc 2'],
    [['getinstalledchaincodes', 'x'], 'invalid number of argument to lscc 2'],
    [['GetCollectionsConfig'], 'invalid number of argument to lscc 1'],
    [['install', utf8('\u0001\u0002')], 'failed to unmarshal envelope from bytes'],
    [['deploy', 'ch', utf8('\u0001\u0002')], /^invalid deployment spec : /],
    [['deploy', 'ch', protos.ChaincodeDeploymentSpec.encode({})], /^invalid deployment spec : /],
    [
      ['deploy', 'ch', deploymentSpec('no.dots')],
      "invalid chaincode name 'no.dots'. Names can only consist of alphanumerics, '_', and '-'",
    ],
    [
      ['deploy', 'ch', deploymentSpec('cc', 'a b')],
      "invalid chaincode version 'a b'. Versions can only consist of alphanumerics, '_',  '-', '+', and '.'",
    ],
    [['deploy', 'ch', deploymentSpec('cc')], 'cannot get package for chaincode (cc:1.0)'],
    [['install', deploymentSpec('qscc')], 'cannot install: qscc is the name of a system chaincode'],
  ])('%# are refused with their text', async (args, expected) => {
    const answer = text(await world().ask(args));
    if (expected instanceof RegExp) expect(answer).toMatch(expected);
    else expect(answer).toBe(expected);
  });

  it.each([
    [['getid', 'ch', 'nope'], "could not find chaincode with name 'nope'"],
    [['ChaincodeExists', 'ch', 'nope'], "could not find chaincode with name 'nope'"],
    [['GetDeploymentSpec', 'ch', 'nope'], "could not find chaincode with name 'nope'"],
    [['GetChaincodeData', 'ch', 'nope'], "could not find chaincode with name 'nope'"],
    [['getcollectionsconfig', 'nope'], 'collections config not defined for chaincode nope'],
    [['GetChaincodes'], ''],
    [['GetInstalledChaincodes'], ''],
  ])('%j finds nothing', async (args, expected) => expect(text(await world().ask(args))).toBe(expected));
});

describe('deploy', () => {
  it('writes what the package is, with the defaults of the channel', async () => {
    await install(deploymentSpec('cc'));
    const answer = await world().ask(['deploy', 'ch', deploymentSpec('cc'), '', '', '']);
    const { name, version, escc, vscc, policy, id, instantiationPolicy } = data(answer);
    expect({ name, version, escc, vscc }).toEqual({ name: 'cc', version: '1.0', escc: 'escc', vscc: 'vscc' });
    expect(Buffer.from(id)).toEqual(Buffer.from((await packages.find('cc', '1.0'))?.id ?? []));
    const roles = [policy, instantiationPolicy].map((bytes) => {
      const { rule, identities } = common.SignaturePolicyEnvelope.decode(bytes);
      return [rule?.nOutOf?.n, ...identities.map(({ principal }) => common.MSPRole.decode(principal).role)];
    });
    expect(roles).toEqual([
      [1, common.MSPRole_MSPRoleType.MEMBER],
      [1, common.MSPRole_MSPRoleType.ADMIN],
    ]);
  });

  it('takes policy and plugins from the arguments', async () => {
    await install(deploymentSpec('cc'));
    const { escc, policy } = data(await world().ask(['deploy', 'ch', deploymentSpec('cc'), 'the policy', 'mine']));
    expect([escc, textOf(policy)]).toEqual(['mine', 'the policy']);
  });

  it('takes the instantiation policy of a signed package, and asks it about the caller', async () => {
    await install(signedSpec('cc', utf8('only the owner')));
    const instantiation = (policy: Uint8Array) => (textOf(policy) === 'only the owner' ? 'not the owner' : undefined);
    expect(await world({ instantiation }).ask(['deploy', 'ch', deploymentSpec('cc')])).toBe(
      'instantiation policy violation: not the owner',
    );
    expect(textOf(data(await world().ask(['deploy', 'ch', deploymentSpec('cc')])).instantiationPolicy)).toBe('only the owner');
  });

  it.each([
    ['escc', ['', 'nope'], 'nope is not a valid endorsement system chaincode'],
    ['vscc', ['', '', 'nope'], 'nope is not a valid validation system chaincode'],
  ])('refuses an unknown %s', async (_name, more, expected) => {
    await install(deploymentSpec('cc'));
    expect(await world().ask(['deploy', 'ch', deploymentSpec('cc'), ...more])).toBe(expected);
  });

  it('refuses what exists', async () => {
    await install(deploymentSpec('cc'));
    const { commit, ask } = world();
    await commit(['deploy', 'ch', deploymentSpec('cc')]);
    expect(await ask(['deploy', 'ch', deploymentSpec('cc')])).toBe('chaincode exists cc');
  });

  it('writes to no other channel than that of the proposal', async () => {
    await install(deploymentSpec('cc'));
    const channels = channelsOf(memoryChannel(openBundle('ch')), memoryChannel(openBundle('other')));
    const { ask } = world({ parts: { channels } });
    expect(await ask(['deploy', 'other', deploymentSpec('cc')])).toBe('invalid chain name other');
    expect(data(await ask(['deploy', 'ch', deploymentSpec('cc')])).name).toBe('cc');
  });

  it('is over on a channel of the new lifecycle', async () => {
    const { ask } = world({ capabilities: MODERN });
    expect(await ask(['deploy', 'ch', deploymentSpec('cc')])).toBe(
      "Channel 'ch' has been migrated to the new lifecycle, LSCC is now read-only",
    );
  });
});

describe('deploy on a channel that peers of 1.1 cannot be on', () => {
  const capabilities = { level: 'V1_4_2', privateChannelData: true, collectionUpgrade: true };
  const member = { principal: common.MSPRole.encode({ mspIdentifier: 'Org1MSP' }) };
  const collections = (changed: protos.StaticCollectionConfigInit) =>
    protos.CollectionConfigPackage.encode({
      config: [{ staticCollectionConfig: { name: 'c', memberOrgsPolicy: { signaturePolicy: { identities: [member] } }, ...changed } }],
    });

  it.each([
    [['deploy', 'ch', 'x'], 'error unmarshalling ChaincodeDeploymentSpec: proto: cannot parse invalid wire-format data'],
    [['deploy', 'ch', deploymentSpec('absent')], 'cannot get package for chaincode (absent:1.0)'],
    [
      ['deploy', 'ch', deploymentSpec('bad name')],
      /^invalid chaincode name 'bad name'. Names must start with an alphanumeric character and/,
    ],
    [['deploy', 'ch', deploymentSpec('cc', '')], /^invalid chaincode version ''. Versions must not be empty and/],
    [['deploy', 'ch', deploymentSpec('cc'), '', '', '', utf8('\u0001')], 'invalid collection configuration supplied for chaincode cc:1.0'],
    [
      ['deploy', 'ch', deploymentSpec('cc'), '', '', '', collections({ memberOrgsPolicy: undefined })],
      'collection member policy check failed: collection member policy is not set',
    ],
    [
      ['deploy', 'ch', deploymentSpec('cc'), '', '', '', collections({ memberOrgsPolicy: {} })],
      'collection member policy check failed: collection member org policy is empty',
    ],
    [
      [
        'deploy',
        'ch',
        deploymentSpec('cc'),
        '',
        '',
        '',
        collections({ memberOrgsPolicy: { signaturePolicy: { identities: [{ principalClassification: 3 }] } } }),
      ],
      'collection member policy check failed: collection-name: c -- principal type ANONYMITY is not supported',
    ],
  ])('%# is refused in the words of 2.x', async (args, expected) => {
    await install(deploymentSpec('cc'));
    const answer = await world({ capabilities }).ask(args);
    if (expected instanceof RegExp) expect(answer).toMatch(expected);
    else expect(answer).toBe(expected);
  });

  it('reads no collections, and tells of no plugin', async () => {
    await install(deploymentSpec('cc'));
    const { channel, ask } = world({ capabilities });
    const reads: string[] = [];
    const simulate = channel.ledger.simulate.bind(channel.ledger);
    channel.ledger.simulate = async (txId) => {
      const simulator = await simulate(txId);
      const getState = simulator.getState.bind(simulator);
      simulator.getState = (namespace, key) => {
        reads.push(`${namespace} ${key}`);
        return getState(namespace, key);
      };
      return simulator;
    };
    expect(data(await ask(['deploy', 'ch', deploymentSpec('cc'), '', 'nope', '', collections({})])).escc).toBe('nope');
    expect(reads).toEqual(['lscc cc']);
  });

  it('finds what is there', async () => {
    await install(deploymentSpec('cc'));
    const { commit, ask } = world({ capabilities });
    await commit(['deploy', 'ch', deploymentSpec('cc')]);
    expect(await ask(['deploy', 'ch', deploymentSpec('cc')])).toBe("chaincode with name 'cc' already exists");
    expect(await ask(['install', deploymentSpec('cc')])).toMatch(/^error installing chaincode code cc:1.0\(chaincode .* exists\)$/);
  });

  it('builds what it installs, which stays installed when the build fails', async () => {
    const built: string[] = [];
    const build = async ({ name, version }: { readonly name: string; readonly version: string }): Promise<void> => {
      built.push(`${name}:${version}`);
      throw new SelvageError('CHAINCODE_BUILD_FAILED', 'chaincode installed to peer but could not build chaincode: no compiler');
    };
    const { ask } = world({ parts: { build } });
    expect(await ask(['install', deploymentSpec('cc')])).toBe('chaincode installed to peer but could not build chaincode: no compiler');
    expect(built).toEqual(['cc:1.0']);
    expect((await packages.list()).map(({ name }) => name)).toEqual(['cc']);
  });
});

describe('upgrade', () => {
  const deployed = async (changed: World = {}) => {
    await install(deploymentSpec('cc'));
    await install(deploymentSpec('cc', '2.0'));
    const made = world(changed);
    await made.commit(['deploy', 'ch', deploymentSpec('cc')]);
    return made;
  };

  it('writes the new version', async () => {
    const { ask } = await deployed();
    expect(data(await ask(['upgrade', 'ch', deploymentSpec('cc', '2.0')])).version).toBe('2.0');
  });

  it('needs another version', async () => {
    const { ask } = await deployed();
    expect(await ask(['upgrade', 'ch', deploymentSpec('cc')])).toBe("version already exists for chaincode with name 'cc'");
  });

  it('needs the chaincode', async () => {
    await install(deploymentSpec('new'));
    expect(await world().ask(['upgrade', 'ch', deploymentSpec('new')])).toBe("could not find chaincode with name 'new'");
  });

  it('asks the stored instantiation policy, whatever the new package says', async () => {
    await install(signedSpec('owned', utf8('only the owner')));
    await install(deploymentSpec('owned', '2.0'));
    let refusing = false;
    const instantiation = (policy: Uint8Array) => (refusing && textOf(policy) === 'only the owner' ? 'no' : undefined);
    const { ask, commit } = world({ instantiation });
    await commit(['deploy', 'ch', deploymentSpec('owned')]);
    refusing = true;
    expect(await ask(['upgrade', 'ch', deploymentSpec('owned', '2.0')])).toBe('instantiation policy violation: no');
  });

  it('does not touch an entry without instantiation policy', async () => {
    const { ask, channel } = await deployed();
    channel.ledger.state.put('lscc', 'cc', ccprovider.ChaincodeData.encode({ name: 'cc', version: '1.0' }), [2n, 0n]);
    expect(await ask(['upgrade', 'ch', deploymentSpec('cc', '2.0')])).toBe('instantiation policy missing');
  });
});

describe('collections', () => {
  const collection = (changed: protos.StaticCollectionConfigInit = {}) => ({
    staticCollectionConfig: { name: 'secrets', memberOrgsPolicy: { signaturePolicy: {} }, maximumPeerCount: 1, ...changed },
  });
  const config = (...changed: readonly protos.StaticCollectionConfigInit[]) =>
    protos.CollectionConfigPackage.encode({ config: changed.map(collection) });
  const privateChannelData = { capabilities: { privateChannelData: true } };

  it('are written beside the definition, and told', async () => {
    await install(deploymentSpec('cc'));
    const { ask, channel } = world(privateChannelData);
    expect(data(await ask(['deploy', 'ch', deploymentSpec('cc'), '', '', '', config({})])).name).toBe('cc');
    channel.ledger.state.put('lscc', 'cc~collection', config({}), [1n, 0n]);
    expect(await ask(['GetCollectionsConfig', 'cc'])).toEqual(config({}));
    expect(text(await ask(['deploy', 'ch', deploymentSpec('cc'), '', '', '', config({})]))).toBe(
      'collection data should not exist for chaincode cc:1.0',
    );
    expect(protos.ChaincodeQueryResponse.decode(utf8(text(await ask(['GetChaincodes'])))).chaincodes).toEqual([]);
  });

  it.each([
    [utf8('\u0001\u0002'), /^invalid collection configuration supplied for chaincode cc:1.0/],
    [config({}, {}), /^collection-name: secrets -- found duplicate collection configuration$/],
    [config({ name: 'a b' }), /^collection-name: a b not allowed/],
    [config({ requiredPeerCount: -1 }), /requiredPeerCount \(-1\) cannot be less than zero/],
    [config({ requiredPeerCount: 2 }), /maximum peer count \(1\) cannot be less than the required peer count \(2\)/],
    [config({ memberOrgsPolicy: {} }), /collection member policy is not set/],
    [protos.CollectionConfigPackage.encode({ config: [{}] }), /^unknown collection configuration type$/],
  ])('%# that no committer takes are refused', async (bytes, expected) => {
    await install(deploymentSpec('cc'));
    expect(await world(privateChannelData).ask(['deploy', 'ch', deploymentSpec('cc'), '', '', '', bytes])).toMatch(expected);
  });

  it('change at an upgrade only where the channel allows it', async () => {
    await install(deploymentSpec('cc'));
    await install(deploymentSpec('cc', '2.0'));
    for (const collectionUpgrade of [false, true]) {
      const { ask, commit } = world({ capabilities: { privateChannelData: true, collectionUpgrade } });
      await commit(['deploy', 'ch', deploymentSpec('cc')]);
      const answer = await ask(['upgrade', 'ch', deploymentSpec('cc', '2.0'), '', '', '', config({})]);
      if (collectionUpgrade) expect(data(answer).version).toBe('2.0');
      else expect(answer).toBe('as V1_2 capability is not enabled, collection upgrades are not allowed');
    }
  });
});

describe('lists', () => {
  it('show path and input of what is installed here, and only name and plugins of the rest', async () => {
    await install(deploymentSpec('here', '1.0', ['init', 'a"b\n\u0001']));
    const { ask, commit, channel } = world();
    await commit(['deploy', 'ch', deploymentSpec('here')]);
    const elsewhere = ccprovider.ChaincodeData.encode({ name: 'elsewhere', version: '3', escc: 'escc', vscc: 'vscc' });
    channel.ledger.state.put('lscc', 'elsewhere', elsewhere, [2n, 0n]);
    const { chaincodes } = protos.ChaincodeQueryResponse.decode(Buffer.from(await ask(['getchaincodes'])));
    expect(chaincodes.map(({ name, path, input }) => ({ name, path, input }))).toEqual([
      { name: 'elsewhere', path: '', input: '' },
      { name: 'here', path: 'path/of/here', input: 'args:"init" args:"a\\"b\\n\\001" ' },
    ]);
  });

  it('a deployment spec that is not the instantiated one is not shown', async () => {
    await install(deploymentSpec('cc'));
    const { ask, commit, channel } = world();
    await commit(['deploy', 'ch', deploymentSpec('cc')]);
    expect(await ask(['getdepspec', 'ch', 'cc'])).toEqual(deploymentSpec('cc'));
    channel.ledger.state.put('lscc', 'cc', ccprovider.ChaincodeData.encode({ name: 'cc', version: '1.0', data: utf8('other') }), [2n, 0n]);
    expect(await ask(['getdepspec', 'ch', 'cc'])).toBe('chaincode fingerprint mismatch data mismatch');
  });
});

describe('access', () => {
  const access = {
    check: async (resource: string) => {
      throw new SelvageError('ACCESS_DENIED', `no ${resource}`);
    },
    checkLocal: async (resource: string) => {
      throw new SelvageError('ACCESS_DENIED', `no ${resource}`);
    },
  };

  it.each([
    [['install', 'x'], 'Authorization for INSTALL has been denied (error-no lscc/Install)'],
    [['getid', 'ch', 'cc'], 'Authorization request failed ch: no lscc/ChaincodeExists'],
    [['getdepspec', 'ch', 'cc'], 'Authorization request failed ch: no lscc/GetDeploymentSpec'],
    [['getccdata', 'ch', 'cc'], 'Authorization request failed ch: no lscc/GetChaincodeData'],
    [['GetCollectionsConfig', 'cc'], 'Authorization request failed ch: no lscc/GetCollectionsConfig'],
    [
      ['getchaincodes'],
      'Authorization for GETCHAINCODES on channel getchaincodes has been denied with error no lscc/GetInstantiatedChaincodes',
    ],
    [
      ['getinstalledchaincodes'],
      'Authorization for GETINSTALLEDCHAINCODES on channel getinstalledchaincodes has been denied with error no lscc/GetInstalledChaincodes',
    ],
  ])('%j is asked for by its resource', async (args, expected) => {
    expect(await world({ parts: { access } }).ask(args)).toBe(expected);
  });

  it.each([
    [['install', 'x'], 'access denied for [install]: no lscc/Install'],
    [['ChaincodeExists', 'ch', 'cc'], 'access denied for [ChaincodeExists][ch]: no lscc/ChaincodeExists'],
    [['getid', 'nope', 'cc'], 'access denied for [getid][nope]: Failed to get policy manager for channel [nope]'],
    [['getdepspec', 'ch', 'cc'], 'access denied for [getdepspec][ch]: no lscc/GetDeploymentSpec'],
    [['getccdata', 'ch', 'cc'], 'access denied for [getccdata][ch]: no lscc/GetChaincodeData'],
    [['getcollectionsconfig', 'cc'], 'access denied for [getcollectionsconfig]: no lscc/GetCollectionsConfig'],
    [['getchaincodes'], 'access denied for [getchaincodes][ch]: no lscc/GetInstantiatedChaincodes'],
    [['GetInstalledChaincodes'], 'access denied for [GetInstalledChaincodes]: no lscc/GetInstalledChaincodes'],
    [['getid', 'ch'], 'invalid number of arguments to lscc: 2'],
    [['frobnicate'], 'invalid function to lscc: frobnicate'],
    [['deploy', '', 'x'], 'invalid channel name: '],
    [['deploy', 'ch', 'x'], "Channel 'ch' has been migrated to the new lifecycle, LSCC is now read-only"],
  ])('%j is refused in the words of 2.x on a channel of its lifecycle', async (args, expected) => {
    expect(await world({ parts: { access }, capabilities: MODERN }).ask(args)).toBe(expected);
  });
});

describe('without channel, in the words of 2.x', () => {
  const modern = world({ capabilities: MODERN });

  it.each([
    [['getid', 'ch', 'cc'], 'transaction not found: GET_STATE failed: transaction ID: t: no ledger context'],
    [['upgrade', 'ch', 'x'], "Channel 'ch' has been migrated to the new lifecycle, LSCC is now read-only"],
    [['install', utf8('\u0001\u0002')], 'could not unmarshal chaincode package to CDS or SignedCDS'],
  ])('%j is refused', async (args, expected) => {
    expect(await modern.askWithoutChannel(args)).toBe(expected);
  });

  it('who may read one channel learns nothing of another', async () => {
    const access = {
      check: async (_: string, { channelId }: { readonly channelId: string }) => {
        if (channelId === 'ch') throw new SelvageError('ACCESS_DENIED', 'not you');
      },
      checkLocal: async () => undefined,
    };
    const other = memoryChannel(openBundle('other', { lifecycleV20: true }));
    const { ask } = world({ capabilities: MODERN, parts: { access }, others: [other] });
    expect(await ask(['getid', 'other', 'cc'])).toBe('access denied for [getid][ch]: not you');
  });
});

it('what the peer itself cannot do is no answer', async () => {
  const list = async () => {
    throw new SelvageError('DISK_FULL', 'no room');
  };
  const broken = { install: list, find: list, load: list, list };
  await expect(world({ parts: { packages: broken } }).ask(['getinstalledchaincodes'])).rejects.toMatchObject({ code: 'DISK_FULL' });
});
