import { randomBytes } from 'node:crypto';
import { concatBytes } from '../common/bytes.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import type { Signer } from '../msp/identity.ts';
import { common } from '../protos/messages.ts';
import { timestamp } from './proposal.ts';
import { signEnvelope } from './transaction.ts';

interface ReadUpdate {
  readonly channelId: string;
  readonly update: common.ConfigUpdateEnvelope;
}

/** Reads a CONFIG_UPDATE envelope, like a `channel.tx` that configtxgen made. @throws {SelvageError} `MALFORMED` saying what it is instead */
function configUpdateOf(envelope: Uint8Array): ReadUpdate {
  try {
    return readUpdate(envelope);
  } catch (cause) {
    const other = OTHERS.find(({ fits }) => holds(() => fits(envelope)));
    if (other === undefined) throw cause;
    throw new SelvageError('MALFORMED', `this is ${other.what}: ${messageOf(cause)}`, { cause, advice: other.advice });
  }
}

function readUpdate(envelope: Uint8Array): ReadUpdate {
  const payload = within('bad payload', () => common.Payload.decode(common.Envelope.decode(envelope).payload));
  if (payload.header === undefined || payload.header.channelHeader.length === 0) throw refused('bad header');
  const { channelHeader } = payload.header;
  const header = within('could not unmarshall channel header', () => common.ChannelHeader.decode(channelHeader));
  if (header.type !== common.HeaderType.CONFIG_UPDATE) throw refused('bad type: this is no channel configuration update');
  if (header.channelId === '') throw refused('empty channel id');
  return { channelId: header.channelId, update: within('Bad config update env', () => common.ConfigUpdateEnvelope.decode(payload.data)) };
}

const refused = (message: string): SelvageError => new SelvageError('MALFORMED', message);

function within<T>(reason: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new SelvageError('MALFORMED', `${reason}: ${messageOf(cause)}`, { cause });
  }
}

const isUpdate = (bytes: Uint8Array): boolean => {
  const { channelId, writeSet } = common.ConfigUpdate.decode(bytes);
  return /^[a-z][a-z0-9.-]*$/.test(channelId) && writeSet !== undefined;
};

const ENVELOPE = `wrap it as {"payload":{"header":{"channel_header":{"channel_id":"CHANNEL","type":2}},"data":{"config_update":…}}}`;

/** What people hand in instead, as the tools of a configuration update make it on the way. */
const OTHERS: readonly { readonly what: string; readonly advice: string; readonly fits: (bytes: Uint8Array) => boolean }[] = [
  {
    what: 'JSON',
    advice: 'Encode it: configtxlator proto_encode --type common.Envelope',
    fits: (bytes) => /^\s*\{/.test(Buffer.from(bytes.subarray(0, 64)).toString('latin1')),
  },
  {
    what: 'a ConfigUpdate without its envelope',
    advice: `Decode it with configtxlator proto_decode --type common.ConfigUpdate, ${ENVELOPE}, and encode that as common.Envelope.`,
    fits: isUpdate,
  },
  {
    what: 'a ConfigUpdateEnvelope without the envelope around it',
    advice: `Decode it with configtxlator proto_decode --type common.ConfigUpdateEnvelope, ${ENVELOPE}, and encode that as common.Envelope.`,
    fits: (bytes) => isUpdate(common.ConfigUpdateEnvelope.decode(bytes).configUpdate),
  },
  {
    what: 'a block',
    advice: 'An update is made of two configurations: configtxlator compute_update --original … --updated …',
    fits: (bytes) => {
      const { header, data } = common.Block.decode(bytes);
      return header !== undefined && (data?.data.length ?? 0) > 0;
    },
  },
  {
    what: 'a whole configuration',
    advice: 'An update is made of two configurations: configtxlator compute_update --original … --updated …',
    fits: (bytes) => common.Config.decode(bytes).channelGroup !== undefined,
  },
];

function holds(test: () => boolean): boolean {
  try {
    return test();
  } catch {
    return false; // what does not decode is something else
  }
}

/**
 * Adds one signature to a configuration update and makes a new envelope, itself signed, around it.
 *
 * @returns `common.Envelope` bytes and the channel they concern
 * @see sanityCheckAndSignConfigTx in hyperledger/fabric v2.5, internal/peer/channel/create.go
 */
export async function signConfigUpdate(
  envelope: Uint8Array,
  signer: Signer,
): Promise<{ readonly channelId: string; readonly envelope: Uint8Array }> {
  const { channelId, update } = configUpdateOf(envelope);
  const signatureHeader = common.SignatureHeader.encode({ creator: signer.serialized, nonce: randomBytes(24) });
  const signature = await signer.sign(concatBytes(signatureHeader, update.configUpdate));
  const data = common.ConfigUpdateEnvelope.encode({
    configUpdate: update.configUpdate,
    signatures: [...update.signatures, { signatureHeader, signature }],
  });
  const header = {
    channelHeader: common.ChannelHeader.encode({ type: common.HeaderType.CONFIG_UPDATE, timestamp: timestamp(), channelId }),
    signatureHeader: common.SignatureHeader.encode({ creator: signer.serialized, nonce: randomBytes(24) }),
  };
  return { channelId, envelope: await signEnvelope(signer, common.Payload.encode({ header, data })) };
}
