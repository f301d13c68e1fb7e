import { SelvageError } from '../common/errors.ts';
import { msp as protos } from '../protos/messages.ts';
import type { ChannelMsps } from './channelconfig/channel-bundle.ts';
import type { SignatureVerifier } from './identities/signature-verifier.ts';
import type { Identity } from './identity.ts';
import { Msp } from './msp.ts';
import type { MspVersion } from './msp-version.ts';

const FABRIC = 0;
const IDEMIX = 1;

export interface MspFromConfigParts {
  readonly config: protos.MSPConfig;
  readonly version: MspVersion;
  readonly verifier: SignatureVerifier;
}

/**
 * The MSP of an organisation's `MSPConfig`, as it stands in a channel configuration.
 * @throws {SelvageError} `CONFIG_INVALID`, also for idemix: who cannot check its signatures must not judge its transactions
 */
export function mspFromConfig({ config, version, verifier }: MspFromConfigParts): Msp {
  if (config.type === FABRIC) return new Msp({ config: config.config, version, verifier });
  if (config.type === IDEMIX) {
    throw new SelvageError('CONFIG_INVALID', 'Setup error: idemix MSPs are not supported', {
      advice: 'Leave organisations with anonymous credentials out of channels that this peer joins.',
    });
  }
  throw new SelvageError('CONFIG_INVALID', `Setup error: unsupported msp type ${config.type}`);
}

/** The MSPs of one channel, each found by its id. */
export class MspManager implements ChannelMsps {
  readonly mspIds: readonly string[];
  readonly #msps = new Map<string, Msp>();

  /** @throws {SelvageError} `CONFIG_INVALID` when an id occurs twice: merge equal definitions before */
  constructor(msps: readonly Msp[]) {
    for (const msp of msps) {
      if (this.#msps.has(msp.mspId)) throw new SelvageError('CONFIG_INVALID', `MSP ${msp.mspId} is defined twice`);
      this.#msps.set(msp.mspId, msp);
    }
    this.mspIds = [...this.#msps.keys()];
  }

  get(mspId: string): Msp | undefined {
    return this.#msps.get(mspId);
  }

  deserialize(serialized: Uint8Array): Identity {
    const mspId = mspIdIn(serialized);
    const msp = this.#msps.get(mspId);
    if (msp === undefined) throw new SelvageError('IDENTITY_INVALID', `MSP ${mspId} is not defined on channel`);
    return msp.deserialize(serialized);
  }
}

function mspIdIn(serialized: Uint8Array): string {
  try {
    return protos.SerializedIdentity.decode(serialized).mspid;
  } catch (cause) {
    throw new SelvageError('IDENTITY_INVALID', 'could not deserialize a SerializedIdentity', { cause });
  }
}
