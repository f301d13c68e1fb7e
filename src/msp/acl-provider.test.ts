import assert from 'node:assert/strict';
import { beforeAll, describe, it } from 'vitest';
import { developmentSet as fixtures, manifest, readFixture, steps } from '../../test/fixtures.ts';
import { channelConfig, cryptoFolder, type Network, readYaml, VERSION } from '../../test/recorded-networks.ts';
import { utf8 } from '../common/bytes.ts';
import { common, protos } from '../protos/messages.ts';
import { AclProvider } from './acl-provider.ts';
import { DEFAULT_RULES } from './acl-resources.ts';
import { bundleFromConfig } from './channelconfig/bundle.ts';
import type { ChannelBundle } from './channelconfig/channel-bundle.ts';
import type { LocalSigner } from './identities/local-signer.ts';
import { SignatureVerifier } from './identities/signature-verifier.ts';
import { loadLocalMsp } from './local-msp.ts';

interface Peer {
  readonly acl: AclProvider;
  readonly channel: ChannelBundle;
  /** Signs as somebody of the network. */
  readonly as: (organisation: string, user: string) => Promise<LocalSigner>;
}

async function peerOf(network: Network): Promise<Peer> {
  const verifier = new SignatureVerifier();
  const options = { readYaml, verifier, clock: { now: () => new Date('2027-01-01T00:00:00Z') }, version: VERSION[network] };
  const local = (mspId: string, ...path: string[]) => loadLocalMsp(cryptoFolder(network, ...path, 'msp'), { ...options, mspId });
  const { msp } = await local('Org1MSP', 'peerOrganizations', 'org1.example.com', 'peers', 'peer0.org1.example.com');
  const channelId = network === 'v1.1' ? 'mychannel' : 'lifechan';
  const dialect = network === 'v1.1' ? '1.1' : '2.x';
  return {
    acl: new AclProvider({ localMsp: msp }),
    channel: bundleFromConfig(channelId, channelConfig(network), { verifier, dialect }),
    as: async (organisation, user) => {
      const domain = `${organisation}.example.com`;
      const { signer } = await local(
        organisation === 'org1' ? 'Org1MSP' : 'Org2MSP',
        'peerOrganizations',
        domain,
        'users',
        `${user}@${domain}`,
      );
      return signer;
    },
  };
}

/** A proposal of which nothing but the creator is real. */
function proposal(signer: LocalSigner, message?: Uint8Array): protos.SignedProposal {
  const header = common.Header.encode({ signatureHeader: common.SignatureHeader.encode({ creator: signer.serialized }) });
  const proposalBytes = protos.Proposal.encode({ header });
  return { proposalBytes, signature: signer.sign(message ?? proposalBytes) };
}

describe.skipIf(!fixtures)('access, as recorded peers granted it', () => {
  let old: Peer;
  let recent: Peer;
  beforeAll(async () => {
    [old, recent] = await Promise.all([peerOf('v1.1'), peerOf('v2.4')]);
  });

  const recorded = (network: Network, name: string): { request: protos.SignedProposal; text: string } => {
    const step = steps(network).find((candidate) => String(candidate['name']).endsWith(`-${name}`) || candidate['name'] === name);
    const entry = manifest().find(
      (candidate) => candidate.network === network && candidate.step === step?.['name'] && candidate.proto === 'protos.SignedProposal',
    );
    assert.ok(step !== undefined && entry !== undefined, name);
    return { request: protos.SignedProposal.decode(readFixture(entry.file)), text: JSON.stringify(step) };
  };

  const refusal = async (check: Promise<void>): Promise<string> => {
    const error = await check.then(
      () => assert.fail('granted'),
      (thrown: { code?: string; message: string }) => thrown,
    );
    assert.equal(error.code, 'ACCESS_DENIED', error.message);
    return error.message;
  };

  it('refuses with the recorded texts', async () => {
    const cases: [Network, string, (peer: Peer, request: protos.SignedProposal) => Promise<void>][] = [
      ['v1.1', 'install-as-user-denied', ({ acl }, request) => acl.checkLocal('lscc/Install', request)],
      ['v1.1', 'lscc-getinstalledchaincodes-as-user', ({ acl }, request) => acl.checkLocal('lscc/GetInstalledChaincodes', request)],
      ['v1.1', 'neg-no-channel-id-user-cc', ({ acl }, request) => acl.checkLocal('lscc/GetChaincodeData', request)],
      ['v1.1', 'neg-creator-orderer-org', ({ acl, channel }, request) => acl.check('peer/Propose', channel, request)],
      ['v2.4', 'neg-creator-peer', ({ acl, channel }, request) => acl.check('peer/Propose', channel, request)],
      ['v2.4', 'neg-lifecycle-user', ({ acl }, request) => acl.checkLocal('_lifecycle/InstallChaincode', request)],
      ['v2.4', 'channel-join-as-user', ({ acl }, request) => acl.checkLocal('cscc/JoinChain', request)],
      [
        'v2.4',
        'lifecycle-approve-as-user-denied',
        ({ acl, channel }, request) => acl.check('_lifecycle/ApproveChaincodeDefinitionForMyOrg', channel, request),
      ],
    ];
    for (const [network, name, check] of cases) {
      const { request, text } = recorded(network, name);
      const message = await refusal(check(network === 'v1.1' ? old : recent, request));
      assert.ok(text.includes(message), `${name}: ${message}`);
    }
  });

  it('lets members list channels, and writers propose', async () => {
    await old.acl.checkLocal('cscc/GetChannels', recorded('v1.1', 'cscc-GetChannels-as-user').request);
    await old.acl.check('peer/Propose', old.channel, recorded('v1.1', 'query-get').request);
    for (const resource of ['peer/Propose', 'qscc/GetChainInfo', '_lifecycle/CheckCommitReadiness']) {
      await recent.acl.check(resource, recent.channel, proposal(await recent.as('org2', 'User1')));
    }
    await recent.acl.checkLocal('cscc/JoinChain', proposal(await recent.as('org1', 'Admin')));
  });

  it('judges signatures of an envelope like those of a proposal', async () => {
    const signer = await recent.as('org1', 'User1');
    const data = utf8('an envelope’s payload');
    const signed = (message: Uint8Array) => [{ data, identity: signer.serialized, signature: signer.sign(message) }];
    await recent.acl.check('event/Block', recent.channel, signed(data));
    assert.match(
      await refusal(recent.acl.check('event/Block', recent.channel, signed(utf8('another')))),
      /^Failed evaluating policy on signed data during check policy on channel \[lifechan\] with policy \[\/Channel\/Application\/Readers\]/,
    );
    assert.match(await refusal(recent.acl.check('cscc/JoinChain', recent.channel, signed(data))), /takes a signed proposal/);
  });

  it('refuses foreign administrators and signatures over something else where the peer itself is concerned', async () => {
    const admin = await recent.as('org1', 'Admin');
    assert.equal(await refusal(recent.acl.checkLocal('lscc/Install', proposal(admin, utf8('x')))), 'The signature is invalid');
    const foreign = proposal(await recent.as('org2', 'Admin'));
    assert.match(
      await refusal(recent.acl.checkLocal('lscc/Install', foreign)),
      /^Failed deserializing proposal creator during channelless check policy with policy \[Admins\]/,
    );
    const garbage = { proposalBytes: new Uint8Array([255]), signature: new Uint8Array() };
    assert.match(await refusal(recent.acl.checkLocal('lscc/Install', garbage)), /^Failing extracting proposal/);
    assert.match(await refusal(recent.acl.check('peer/Propose', recent.channel, garbage)), /^Failing extracting proposal/);
  });

  it('refuses resources nobody knows', async () => {
    const admin = proposal(await recent.as('org1', 'Admin'));
    assert.equal(await refusal(recent.acl.check('qscc/Nope', recent.channel, admin)), 'Unmapped policy for qscc/Nope');
    assert.equal(await refusal(recent.acl.checkLocal('_lifecycle/Nope', admin)), 'Unmapped policy for _lifecycle/Nope');
  });

  describe('where the channel has rules of its own', () => {
    const withAcls = ({ channel }: Peer, entries: Record<string, string>, acls = true): ChannelBundle => {
      const { application } = channel;
      assert.ok(application !== undefined);
      return {
        ...channel,
        application: { ...application, acls: new Map(Object.entries(entries)), capabilities: { ...application.capabilities, acls } },
      };
    };

    it('asks the policy the channel names, by path or by its name in the Application group', async () => {
      const user = proposal(await recent.as('org1', 'User1'));
      for (const policy of ['Admins', '/Channel/Application/Admins']) {
        const text = await refusal(recent.acl.check('peer/Propose', withAcls(recent, { 'peer/Propose': policy }), user));
        assert.match(
          text,
          /^failed evaluating policy on signed data during check policy \[\/Channel\/Application\/Admins\]: \[implicit policy evaluation failed/,
        );
      }
      await recent.acl.check('qscc/GetChainInfo', withAcls(recent, { 'peer/Propose': 'Admins' }), user);
      await recent.acl.check('own/Resource', withAcls(recent, { 'own/Resource': 'Readers' }), user);
    });

    it('refuses when the channel names a policy that it does not have', async () => {
      const admin = proposal(await recent.as('org1', 'Admin'));
      const text = await refusal(recent.acl.check('peer/Propose', withAcls(recent, { 'peer/Propose': 'Nope' }), admin));
      assert.match(text, /policy \/Channel\/Application\/Nope not found/);
    });

    it('says of a creator whose signature was judged before what it says of the proposal, the second time too', async () => {
      for (const [organisation, user] of [
        ['org1', 'User1'],
        ['org1', 'Admin'],
        ['org2', 'User1'],
      ] as const) {
        const signer = await recent.as(organisation, user);
        const creator = recent.channel.msps.deserialize(signer.serialized);
        for (const policy of ['Admins', 'Writers', '/Channel/Application/Org2/Admins', '/Channel/Application/Org1/Writers', 'Nope', '']) {
          const channel = withAcls(recent, { 'peer/Propose': policy });
          const said = await recent.acl.check('peer/Propose', channel, proposal(signer)).then(granted, textOf);
          const ask = async () => recent.acl.checkCreator('peer/Propose', channel, creator);
          for (const time of ['first', 'second'])
            assert.equal(await ask().then(granted, textOf), said, `${user} ${policy}, the ${time} time`);
        }
      }
    });

    it('but not for the peer’s own resources, nor without the capability', async () => {
      const user = proposal(await recent.as('org1', 'User1'));
      const open = withAcls(recent, { 'lscc/Install': 'Readers', 'peer/Propose': 'Nope' }, true);
      assert.match(await refusal(recent.acl.check('lscc/Install', open, user)), /local MSP principal/);
      await recent.acl.check('peer/Propose', withAcls(recent, { 'peer/Propose': 'Nope' }, false), user);
    });
  });
});

const granted = (): string => 'granted';
const textOf = ({ message }: Error): string => message;

describe('the table of resources', () => {
  it('names forty, by who may use them', () => {
    const count = (kind: string): number =>
      [...DEFAULT_RULES.values()].filter((rule) => (rule.kind === 'local' ? rule.role : rule.policy.split('/').at(-1)) === kind).length;
    assert.deepEqual(['Admins', 'Members', 'Readers', 'Writers'].map(count), [15, 1, 17, 7]);
  });
});
