import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'vitest';
import { developmentSet as fixtures, manifest, readFixture } from '../../test/fixtures.ts';
import {
  channelMsps,
  cryptoFolder,
  expiredUserPem,
  mspFolders,
  mspIdOfFolder,
  type Network,
  readYaml,
  VERSION,
} from '../../test/recorded-networks.ts';
import { concatBytes } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { common, protos } from '../protos/messages.ts';
import { Certificate } from './identities/certificate.ts';
import { expiryOf, mspIdOf, serializeIdentity } from './identities/serialized-identity.ts';
import { SignatureVerifier } from './identities/signature-verifier.ts';
import type { Identity } from './identity.ts';
import { loadLocalMsp } from './local-msp.ts';
import { Msp } from './msp.ts';
import { loadMspFolder } from './msp-folder.ts';

const NETWORKS: readonly Network[] = ['v1.1', 'v2.4'];

describe.skipIf(!fixtures).each(NETWORKS)('the recorded network %s', (network) => {
  const verifier = new SignatureVerifier();
  const version = VERSION[network];

  it('has MSP folders that load, each with its own members', async () => {
    const folders = mspFolders(network);
    assert.equal(folders.length, 11);
    for (const folder of folders) {
      const mspId = mspIdOfFolder(folder);
      if (readdirSync(folder).includes('signcerts')) continue;
      const msp = new Msp({ config: await loadMspFolder(folder, { mspId, readYaml }), version, verifier });
      assert.equal(msp.mspId, mspId);
      assert.equal(msp.tlsAuthorities.roots.length, 1);
    }
  });

  it('has local MSPs whose signatures verify under their own identity', async () => {
    const folders = mspFolders(network).filter((folder) => readdirSync(folder).includes('signcerts'));
    assert.equal(folders.length, 8);
    const msps = channelMsps(network);
    for (const folder of folders) {
      const mspId = mspIdOfFolder(folder);
      const { msp, signer, identity } = await loadLocalMsp(folder, {
        mspId,
        readYaml,
        verifier,
        clock: { now: () => new Date('2027-01-01T00:00:00Z') },
        version,
      });
      assert.equal(signer.mspId, mspId);
      assert.deepEqual(signer.serialized, identity.serialized);
      const message = new TextEncoder().encode(folder);
      const signature = signer.sign(message);
      for (const reader of [msp, msps]) {
        const known = reader.deserialize(signer.serialized);
        known.validate();
        assert.equal(known.id, identity.id);
        assert.equal(await known.verify(message, signature), true);
        assert.equal(await known.verify(concatBytes(message, message), signature), false);
      }
    }
  });

  it('takes the expired user for a valid member', () => {
    const certificate = Certificate.fromPem(expiredUserPem(network));
    assert.ok(certificate.notAfter.getTime() < Date.now());
    const identity = channelMsps(network).deserialize(serializeIdentity('Org1MSP', certificate.der));
    identity.validate();
    assert.deepEqual(expiryOf(identity.serialized), certificate.notAfter);
    const principal = common.MSPRole.encode({ mspIdentifier: 'Org1MSP', role: common.MSPRole_MSPRoleType.MEMBER });
    assert.equal(identity.dissatisfaction({ principalClassification: common.MSPPrincipal_Classification.ROLE, principal }), undefined);
  });

  it('refuses to start with the expired user’s identity', async () => {
    const folder = cryptoFolder(network, 'peerOrganizations', 'org1.example.com', 'users', 'User1@org1.example.com', 'msp');
    const late = { now: () => new Date('2046-01-01T00:00:00Z') };
    await assert.rejects(loadLocalMsp(folder, { mspId: 'Org1MSP', readYaml, verifier, clock: late, version }), {
      code: 'SETTING_INVALID',
      message: /^signing identity expired/,
    });
  });

  it('has signed proposals whose creators are valid and whose signatures verify, but for those made to fail', async () => {
    const msps = channelMsps(network);
    const outcomes = new Map<string, string>();
    const requests = manifest().filter(
      (entry) => entry.network === network && entry.proto === 'protos.SignedProposal' && entry.step !== undefined,
    );
    for (const { file, step = '' } of requests) {
      if ((outcomes.get(step) ?? 'good') === 'good') outcomes.set(step, await judge(msps, readFixture(file)));
    }
    assert.ok(outcomes.size > 50, `${outcomes.size} steps`);
    const refused = Object.fromEntries(
      [...outcomes].filter(([, outcome]) => outcome !== 'good').map(([step, outcome]) => [step.replace(/^\d+-/, ''), outcome]),
    );
    assert.deepEqual(refused, REFUSED[network]);
  });

  it('has endorsements that verify', async () => {
    const msps = channelMsps(network);
    const answers = manifest().filter(
      (entry) => entry.network === network && entry.proto === 'protos.ProposalResponse' && entry.endorsed === true,
    );
    assert.ok(answers.length > 50, `${answers.length} endorsements`);
    for (const { file } of answers) {
      const { payload, endorsement } = protos.ProposalResponse.decode(readFixture(file));
      assert.ok(endorsement !== undefined);
      const endorser = msps.deserialize(endorsement.endorser);
      endorser.validate();
      assert.deepEqual(endorser.serialized, new Uint8Array(endorsement.endorser), file);
      assert.equal(await endorser.verify(concatBytes(payload, endorsement.endorser), endorsement.signature), true, file);
    }
  });

  it('has three MSPs on its channel, and says which one an identity claims', () => {
    const msps = channelMsps(network);
    assert.equal(mspIdOf(serializeIdentity('Org1MSP', new Uint8Array())), 'Org1MSP');
    assert.equal(mspIdOf(new Uint8Array([255])), undefined);
    assert.deepEqual([...msps.mspIds].sort(), ['OrdererMSP', 'Org1MSP', 'Org2MSP']);
  });
});

/** What a peer says about who signed a proposal. */
async function judge(msps: { deserialize(bytes: Uint8Array): Identity }, request: Uint8Array): Promise<string> {
  try {
    const { proposalBytes, signature } = protos.SignedProposal.decode(request);
    const header = common.Header.decode(protos.Proposal.decode(proposalBytes).header);
    const { creator } = common.SignatureHeader.decode(header.signatureHeader);
    if (creator.length === 0) return 'no creator';
    const identity = msps.deserialize(creator);
    identity.validate();
    return (await identity.verify(proposalBytes, signature)) ? 'good' : `bad signature of ${identity.mspId}`;
  } catch (error) {
    const { code, message } = SelvageError.from(error);
    return code === 'IDENTITY_INVALID' ? message : code;
  }
}

const REFUSED: Readonly<Record<Network, Readonly<Record<string, string>>>> = {
  'v1.1': {
    'neg-bad-signature': 'bad signature of Org1MSP',
    'neg-creator-empty': 'no creator',
    'neg-creator-garbage': 'could not deserialize a SerializedIdentity',
    'neg-creator-other-msp': 'the supplied identity is not valid: x509: certificate signed by unknown authority',
    'neg-creator-unknown-msp': 'MSP NopeMSP is not defined on channel',
    'neg-empty-proposal': 'no creator',
    'neg-empty-signature': 'bad signature of Org1MSP',
    'neg-empty-signed-proposal': 'no creator',
    'neg-garbage-proposal': 'MALFORMED',
    'neg-garbage-signed-proposal': 'MALFORMED',
    'neg-high-s': 'bad signature of Org1MSP',
    'neg-no-header': 'no creator',
    'neg-signature-by-other': 'bad signature of Org1MSP',
  },
  'v2.4': {
    'neg-bad-signature': 'bad signature of Org1MSP',
    'neg-creator-garbage': 'could not deserialize a SerializedIdentity',
    'neg-creator-unknown-msp': 'MSP NopeMSP is not defined on channel',
    'neg-empty-proposal': 'no creator',
    'neg-empty-signed-proposal': 'no creator',
    'neg-garbage-proposal': 'MALFORMED',
    'neg-high-s': 'bad signature of Org1MSP',
  },
};
