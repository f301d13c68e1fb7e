import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes, utf8 } from '../../src/common/bytes.ts';
import { LocalSigner } from '../../src/msp/identities/local-signer.ts';
import type { Signer } from '../../src/msp/identity.ts';
import { txIdOf } from '../../src/protos/hashes.ts';
import { common, kvrwset, protos, rwset } from '../../src/protos/messages.ts';
import { fixtures, readFixture } from '../fixtures.ts';
import type { Network } from './recorded-network.ts';

/** A signer of the recorded network, by organisation number and by name: `peer0`, `Admin`, `User1`. */
export function signerOf(network: Network, org: number, name: string): Signer {
  const domain = orgDomain(network, org);
  const kind = name.startsWith('peer') ? `peers/${name}.${domain}` : `users/${name}@${domain}`;
  const folder = `${network}/crypto/peerOrganizations/${domain}/${kind}/msp`;
  const only = (sub: string): Buffer => readFixture(`${folder}/${sub}/${readdirSync(join(fixtures ?? '', folder, sub))[0]}`);
  return LocalSigner.fromPem({ mspId: `Org${org}MSP`, certificate: only('signcerts'), privateKey: only('keystore') });
}

const orgDomain = (network: Network, org: number): string =>
  readdirSync(join(fixtures ?? '', network, 'crypto/peerOrganizations')).sort()[org - 1] ?? '';

/** Public writes, metadata writes and collections of one namespace. */
interface NamespaceInit {
  readonly namespace: string;
  readonly writes?: readonly kvrwset.KVWriteInit[];
  readonly metadataWrites?: readonly kvrwset.KVMetadataWriteInit[];
  readonly collections?: readonly { readonly name: string; readonly hashed: kvrwset.HashedRWSetInit }[];
}

export interface TransactionInit {
  readonly channelId: string;
  readonly creator: Signer;
  readonly endorsers: readonly Signer[];
  readonly chaincode: string;
  readonly version: string;
  readonly sets: readonly NamespaceInit[];
  readonly args?: readonly Uint8Array[];
  readonly events?: Uint8Array;
  /** Stands in the place of the `ChaincodeAction`. */
  readonly extension?: Uint8Array;
  readonly nonce?: Uint8Array;
}

/** An endorser transaction as a client would send it. */
export async function makeTransaction(init: TransactionInit): Promise<Uint8Array> {
  const { creator, endorsers } = init;
  const nonce = init.nonce ?? randomBytes(24);
  const header = {
    channelHeader: common.ChannelHeader.encode({
      type: common.HeaderType.ENDORSER_TRANSACTION,
      channelId: init.channelId,
      txId: txIdOf(nonce, creator.serialized),
      extension: protos.ChaincodeHeaderExtension.encode({ chaincodeId: { name: init.chaincode } }),
    }),
    signatureHeader: common.SignatureHeader.encode({ creator: creator.serialized, nonce }),
  };
  const chaincodeProposalPayload = protos.ChaincodeProposalPayload.encode({
    input: protos.ChaincodeInvocationSpec.encode({
      chaincodeSpec: { chaincodeId: { name: init.chaincode }, input: { args: init.args ?? [utf8('invoke')] } },
    }),
  });
  const proposalResponsePayload = protos.ProposalResponsePayload.encode({
    proposalHash: createHash('sha256')
      .update(header.channelHeader)
      .update(header.signatureHeader)
      .update(chaincodeProposalPayload)
      .digest(),
    extension: init.extension ?? chaincodeAction(init),
  });
  const endorsements = await Promise.all(
    endorsers.map(async (each) => ({
      endorser: each.serialized,
      signature: await each.sign(concatBytes(proposalResponsePayload, each.serialized)),
    })),
  );
  const payload = protos.ChaincodeActionPayload.encode({ chaincodeProposalPayload, action: { proposalResponsePayload, endorsements } });
  const data = protos.Transaction.encode({ actions: [{ header: header.signatureHeader, payload }] });
  return sealed(common.Payload.encode({ header, data }), creator);
}

const chaincodeAction = ({ sets, events, chaincode, version }: TransactionInit): Uint8Array =>
  protos.ChaincodeAction.encode({
    results: setsBytes(sets),
    events,
    response: { status: 200 },
    chaincodeId: { name: chaincode, version },
  });

/** The payload under its creator's signature. */
export const sealed = async (payload: Uint8Array, creator: Signer): Promise<Uint8Array> =>
  common.Envelope.encode({ payload, signature: await creator.sign(payload) });

const setsBytes = (sets: readonly NamespaceInit[]): Uint8Array =>
  rwset.TxReadWriteSet.encode({
    nsRwset: sets.map(({ namespace, writes, metadataWrites, collections }) => ({
      namespace,
      rwset: kvrwset.KVRWSet.encode({ writes, metadataWrites }),
      collectionHashedRwset: (collections ?? []).map(({ name, hashed }) => ({
        collectionName: name,
        hashedRwset: kvrwset.HashedRWSet.encode(hashed),
      })),
    })),
  });

/** A block of these envelopes, for validation: nobody signed it. */
export const blockOf = (number: bigint, data: readonly Uint8Array[]): common.Block => ({
  header: { number, previousHash: new Uint8Array(32), dataHash: new Uint8Array(32) },
  data: { data },
  metadata: { metadata: [] },
});
