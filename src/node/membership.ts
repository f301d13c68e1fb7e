import { systemClock } from '../common/clock.ts';
import { type Logger, silent } from '../common/log.ts';
import { SignatureVerifier } from '../msp/identities/signature-verifier.ts';
import type { Signer } from '../msp/identity.ts';
import { type LocalMsp, loadLocalMsp } from '../msp/local-msp.ts';
import { YamlFields } from './config/yaml-fields.ts';

/** Who this node is, from its MSP folder. @throws {SelvageError} `SETTING_INVALID` or `CONFIG_INVALID` saying which file is wrong */
export function loadMembership(
  path: string,
  mspId: string,
  parts: { readonly verifier: SignatureVerifier; readonly log?: Logger },
): Promise<LocalMsp> {
  return loadLocalMsp(path, { mspId, readYaml: YamlFields.parse, clock: systemClock, ...parts });
}

/** The identity that a client signs with, from its MSP folder. @throws {SelvageError} `SETTING_INVALID` */
export async function loadSigner(path: string, mspId: string): Promise<Signer> {
  const { signer } = await loadMembership(path, mspId, { verifier: new SignatureVerifier(), log: silent });
  return signer;
}
