import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { isUnspecified, joinAddress, splitAddress } from '../../common/address.ts';
import { SelvageError } from '../../common/errors.ts';

export interface AddressSettings {
  /** `peer.address`. */
  readonly address: string;
  /** `peer.addressAutoDetect`: this machine's own address, whatever `address` names. */
  readonly autoDetect: boolean;
  /** '' when not set. */
  readonly chaincodeAddress: string;
  /** '' when not set. */
  readonly chaincodeListenAddress: string;
  readonly mode: 'net' | 'dev';
  /** Addresses of this machine, by interface; asked of the system unless told. */
  readonly interfaces?: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;
}

const CHAINCODE_PORT = 7052;

/**
 * Where the peer listens for chaincode, and what chaincode is told to dial.
 *
 * @throws {SelvageError} `SETTING_INVALID` for an address that nobody can dial, except in development mode
 * @see computeChaincodeEndpoint in hyperledger/fabric v2.5, internal/peer/node/start.go
 */
export function chaincodeAddresses(settings: AddressSettings): {
  readonly chaincodeListenAddress: string;
  readonly chaincodeAddress: string;
} {
  const host = peerHost(settings);
  const chaincodeListenAddress = settings.chaincodeListenAddress || joinAddress({ host, port: CHAINCODE_PORT });
  if (settings.chaincodeAddress !== '') return { chaincodeListenAddress, chaincodeAddress: dialable(settings) };
  const listen = splitAddress(chaincodeListenAddress) ?? { host, port: CHAINCODE_PORT };
  return { chaincodeListenAddress, chaincodeAddress: joinAddress(isUnspecified(listen.host) ? { ...listen, host } : listen) };
}

function dialable({ chaincodeAddress, mode }: AddressSettings): string {
  const host = splitAddress(chaincodeAddress)?.host ?? '';
  if (!isUnspecified(host)) return chaincodeAddress;
  if (mode === 'dev') return joinAddress({ host: '0.0.0.0', port: CHAINCODE_PORT });
  throw new SelvageError('SETTING_INVALID', `invalid endpoint for chaincode to connect: ${chaincodeAddress}`);
}

/**
 * Where others reach the peer, as it tells them.
 * @see getLocalAddress in hyperledger/fabric v2.5, core/peer/config.go
 */
export function peerAddress(settings: Pick<AddressSettings, 'address' | 'autoDetect' | 'interfaces'>): string {
  const { port } = splitAddress(settings.address) ?? { port: 0 };
  return joinAddress({ host: peerHost(settings), port });
}

/** The peer's own host: as `peer.address` says, or as the machine is seen from outside. */
function peerHost({
  address,
  autoDetect,
  interfaces = networkInterfaces(),
}: Pick<AddressSettings, 'address' | 'autoDetect' | 'interfaces'>): string {
  const { host } = splitAddress(address) ?? { host: '' };
  if (!autoDetect && !isUnspecified(host)) return host;
  const own = Object.values(interfaces).flatMap((each) => each ?? []);
  return own.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
}
