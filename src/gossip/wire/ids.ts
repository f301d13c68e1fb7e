/** The hashes by which peers name each other and their channels. */
import { sha256, utf8 } from '../../common/bytes.ts';
import { msp } from '../../protos/messages.ts';

/**
 * 32 bytes: SHA-256(MSP id ‖ certificate text). Every byte of the text counts, its last line break too.
 * @param identity `SerializedIdentity` bytes
 * @throws {SelvageError} `MALFORMED` when they are none
 * @see GetPKIidOfCert in hyperledger/fabric v2.5, internal/peer/gossip/mcs.go
 */
export function pkiIdOf(identity: Uint8Array): Uint8Array {
  const { mspid, idBytes } = msp.SerializedIdentity.decode(identity);
  return sha256(utf8(mspid), idBytes);
}

/**
 * 32 bytes: SHA-256(pki id ‖ channel id). Who knows the channel's name finds it by this, nobody else.
 * @see GenerateMAC in hyperledger/fabric v2.5, gossip/gossip/channel/channel.go
 */
export const channelMac = (pkiId: Uint8Array, channelId: string): Uint8Array => sha256(pkiId, utf8(channelId));
