/** A channel of Fabric 3.x with a BFT ordering service, made here: its first block, the keys of its consenters, blocks that they sign. */
import assert from 'node:assert/strict';
import { createPrivateKey, randomBytes } from 'node:crypto';
import { concatBytes, utf8 } from '../../src/common/bytes.ts';
import { configEnvelopeOfBlock } from '../../src/msp/channelconfig/config-block.ts';
import { buildGenesisBlock } from '../../src/msp/channelconfig/genesis-block.ts';
import { Certificate } from '../../src/msp/identities/certificate.ts';
import { LocalSigner } from '../../src/msp/identities/local-signer.ts';
import type { Signer } from '../../src/msp/identity.ts';
import { mspDefinition, type Organization } from '../../src/msp/material/organization.ts';
import { blockDataHash, blockHash, blockHeaderBytes } from '../../src/protos/hashes.ts';
import { common, msp } from '../../src/protos/messages.ts';

export interface BftNode {
  readonly org: Organization;
  /** `host:port`. */
  readonly endpoint: string;
}

/** @see EncodeBFTBlockVerificationPolicy in hyperledger/fabric v3.1, common/policies/bft.go */
function blockValidation(identities: readonly Uint8Array[]): common.PolicyInit {
  const n = identities.length;
  const quorum = Math.ceil((n + Math.floor((n - 1) / 3) + 1) / 2);
  const value = common.SignaturePolicyEnvelope.encode({
    rule: { nOutOf: { n: quorum, rules: identities.map((_, signedBy) => ({ signedBy })) } },
    identities: identities.map((principal) => ({ principalClassification: IDENTITY, principal })),
  });
  return { type: common.Policy_PolicyType.SIGNATURE, value };
}

const { IDENTITY } = common.MSPPrincipal_Classification;

/** The consenters have the numbers 1, 2, 3, … in the order of `nodes`. */
export function bftGenesis(peers: readonly Organization[], nodes: readonly BftNode[]): common.Block {
  const spec = {
    channelId: 'bft',
    applicationOrgs: peers.map((org) => ({ msp: mspDefinition(org) })),
    ordererOrgs: nodes.map(({ org, endpoint }) => ({ msp: mspDefinition(org), endpoints: [endpoint] })),
    capabilities: { channel: 'V3_0', orderer: 'V2_0', application: 'V2_5' },
    consensusType: 'BFT',
  };
  const block = buildGenesisBlock(spec, { now: new Date(), nonce: randomBytes(24) });
  const { config } = configEnvelopeOfBlock(block);
  const orderer = config.channelGroup.groups.get('Orderer') ?? assert.fail();
  const certificates = nodes.map(({ org }) => utf8(org.nodes[0]?.identity.certificate ?? assert.fail()));
  const consenterMapping = nodes.map(({ org }, at) => ({ id: at + 1, mspId: org.mspId, identity: certificates[at] }));
  const identities = nodes.map(({ org }, at) => msp.SerializedIdentity.encode({ mspid: org.mspId, idBytes: certificates[at] }));
  const changed: common.ConfigGroupInit = {
    ...orderer,
    values: new Map<string, common.ConfigValueInit>([
      ...orderer.values,
      ['Orderers', { value: common.Orderers.encode({ consenterMapping }), modPolicy: 'Admins' }],
    ]),
    policies: new Map<string, common.ConfigPolicyInit>([
      ...orderer.policies,
      ['BlockValidation', { policy: blockValidation(identities), modPolicy: 'Admins' }],
    ]),
  };
  const channelGroup = {
    ...config.channelGroup,
    groups: new Map<string, common.ConfigGroupInit>([...config.channelGroup.groups, ['Orderer', changed]]),
  };
  const envelope = common.Envelope.decode(block.data?.data[0] ?? assert.fail());
  const { header } = common.Payload.decode(envelope.payload);
  const payload = common.Payload.encode({ header, data: common.ConfigEnvelope.encode({ config: { ...config, channelGroup } }) });
  const data = { data: [common.Envelope.encode({ payload })] };
  return common.Block.decode(
    common.Block.encode({ header: { number: 0n, dataHash: blockDataHash(data) }, data, metadata: block.metadata ?? assert.fail() }),
  );
}

export const signerOf = ({ mspId, nodes: [node] }: Organization): Signer => {
  const { certificate, privateKey } = node?.identity ?? assert.fail();
  return new LocalSigner({ mspId, certificate: Certificate.fromPem(certificate), privateKey: createPrivateKey(privateKey) });
};

/** Who signs with which number. */
export type Signatories = readonly (readonly [id: number, signer: Signer])[];

/** The block after `previous`, with one transaction of random bytes. */
export async function bftBlock(previous: common.Block, signatories: Signatories): Promise<common.Block> {
  const before = previous.header ?? assert.fail();
  const channelHeader = common.ChannelHeader.encode({ type: common.HeaderType.ENDORSER_TRANSACTION, channelId: 'bft' });
  const payload = common.Payload.encode({ header: { channelHeader }, data: randomBytes(100) });
  const data = { data: [common.Envelope.encode({ payload, signature: randomBytes(70) })] };
  const header = { number: before.number + 1n, previousHash: blockHash(before), dataHash: blockDataHash(data) };
  const value = common.OrdererBlockMetadata.encode({ lastConfig: { index: 0n } });
  const signatures = await Promise.all(
    signatories.map(async ([identifier, signer]) => {
      const identifierHeader = common.IdentifierHeader.encode({ identifier, nonce: randomBytes(24) });
      return { identifierHeader, signature: await signer.sign(concatBytes(value, identifierHeader, blockHeaderBytes(header))) };
    }),
  );
  const empty = new Uint8Array();
  const metadata = [common.Metadata.encode({ value, signatures }), empty, empty, empty, empty];
  return common.Block.decode(common.Block.encode({ header, data, metadata: { metadata } }));
}
