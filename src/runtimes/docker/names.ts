import { createHash } from 'node:crypto';
import { SelvageError } from '../../common/errors.ts';

export interface PeerName {
  /** `peer.networkId`; may be empty. */
  readonly networkId: string;
  /** `peer.id`; may be empty. */
  readonly peerId: string;
}

export interface VmNames {
  /** Name of the container; scripts match on it. */
  readonly container: string;
  /** Repository of the image; its hash keeps two peers on one engine apart. */
  readonly image: string;
}

const IMAGE = /^[a-z0-9]+(([._-][a-z0-9]+)+)?$/;

/**
 * Names of a chaincode's container and image.
 *
 * @param ccid `name:version`, or a package id `label:hash`
 * @throws {SelvageError} `CHAINCODE_LAUNCH_FAILED` when Docker allows no image of that name
 * @see GetVMName in hyperledger/fabric v1.1.0 and v2.5, core/container/dockercontroller/dockercontroller.go
 */
export function vmNames({ networkId, peerId }: PeerName, ccid: string): VmNames {
  const base = [networkId, peerId, ccid.replaceAll(':', '-')].filter((part) => part !== '').join('-');
  const container = base.replace(/[^a-zA-Z0-9\-_.]/g, '-');
  const image = `${container}-${createHash('sha256').update(base).digest('hex')}`.toLowerCase();
  if (IMAGE.test(image)) return { container, image };
  throw new SelvageError(
    'CHAINCODE_LAUNCH_FAILED',
    `Error constructing Docker VM Name. '${base}' breaks Docker's repository naming rules`,
    {
      details: { ccid },
      advice:
        'Two separators in a row, or one at the beginning or end, are not allowed: look at peer.networkId, peer.id and the name and version of the chaincode.',
    },
  );
}

/** Name of the container of one replica: the first has Fabric's name, the others a number after it. @throws {SelvageError} see {@link vmNames} */
export function containerName(
  peer: PeerName,
  { ccid, replica = 1 }: { readonly ccid: string; readonly replica?: number | undefined },
): string {
  const { container } = vmNames(peer, ccid);
  return replica === 1 ? container : `${container}-replica${replica}`;
}
