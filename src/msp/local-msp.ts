import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes, hex } from '../common/bytes.ts';
import type { Clock } from '../common/clock.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import { type Logger, silent } from '../common/log.ts';
import { filesIn } from './folder-files.ts';
import { Certificate } from './identities/certificate.ts';
import { LocalSigner, skiOfKey } from './identities/local-signer.ts';
import type { SignatureVerifier } from './identities/signature-verifier.ts';
import type { X509Identity } from './identities/x509-identity.ts';
import { Msp } from './msp.ts';
import { loadMspFolder, type MspFolderOptions, readPems } from './msp-folder.ts';
import type { MspVersion } from './msp-version.ts';

export interface LocalMspOptions extends MspFolderOptions {
  readonly verifier: SignatureVerifier;
  readonly clock: Clock;
  /** Peers of 2.x judge by 1.4.3, those of 1.1 by 1.1. */
  readonly version?: MspVersion;
}

/** Who this node is. */
export interface LocalMsp {
  readonly msp: Msp;
  readonly signer: LocalSigner;
  readonly identity: X509Identity;
}

/**
 * The node's own MSP folder: the organisation as the node sees it, and the identity it signs with.
 * @throws {SelvageError} `SETTING_INVALID` when a file is missing, key and certificate do not match, or the certificate is not
 *   valid or has expired; `CONFIG_INVALID` when the organisation's material is wrong
 * @see setupSigningIdentity in hyperledger/fabric v2.5, msp/mspimplsetup.go
 */
export async function loadLocalMsp(path: string, options: LocalMspOptions): Promise<LocalMsp> {
  const { mspId, verifier, clock, version = '1.4.3', log = silent } = options;
  const msp = new Msp({ config: await loadMspFolder(path, options), version, verifier });
  const [pem] = await readPems(join(path, 'signcerts'), log);
  if (pem === undefined)
    throw new SelvageError('SETTING_INVALID', `could not load a valid signer certificate from directory ${join(path, 'signcerts')}`);
  const identity = ownIdentity(msp, pem);
  if (identity.notAfter.getTime() < clock.now().getTime()) {
    throw new SelvageError('SETTING_INVALID', `signing identity expired at ${identity.notAfter.toISOString()}`);
  }
  const privateKey = await findKey(join(path, 'keystore'), identity.certificate.keySki, log);
  return { msp, identity, signer: new LocalSigner({ mspId, certificate: identity.certificate, privateKey, hash: msp.signatureHash }) };
}

function ownIdentity(msp: Msp, pem: Uint8Array): X509Identity {
  try {
    const identity = msp.identityOf(Certificate.fromPem(pem));
    identity.validate();
    return identity;
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `the signing certificate is not valid in MSP ${msp.mspId}: ${messageOf(cause)}`, { cause });
  }
}

/** The key with that SKI: first the file of that name, `<hex>_sk`, then whatever else is there. */
async function findKey(folder: string, ski: Uint8Array, log: Logger): Promise<KeyObject> {
  const wanted = join(folder, `${hex(ski)}_sk`);
  const files = await filesIn(folder, log);
  if (files === undefined) throw new SelvageError('SETTING_INVALID', `there is no folder ${folder}`);
  for (const file of [...files.filter((own) => own === wanted), ...files.filter((other) => other !== wanted)]) {
    const key = await readKey(file);
    if (key !== undefined && equalBytes(skiOfKey(key), ski)) return key;
  }
  throw new SelvageError('SETTING_INVALID', `could not find the private key of the signing certificate in ${folder}`, {
    advice: `It is expected in ${wanted}.`,
  });
}

async function readKey(file: string): Promise<KeyObject | undefined> {
  try {
    return createPrivateKey(await readFile(file));
  } catch {
    return undefined; // some other file, or not ours to read; the caller says so if no key is found
  }
}
