import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, SelvageError } from '../common/errors.ts';
import { fileReason } from '../common/file-reason.ts';
import { type Logger, silent } from '../common/log.ts';
import { msp } from '../protos/messages.ts';
import { filesIn, isAbsent } from './folder-files.ts';
import { firstPemBlock } from './identities/pem.ts';

export interface MspFolderOptions {
  readonly mspId: string;
  /** Reads the text of `config.yaml`; the library for it is not this folder's. @throws what says why it is none */
  readonly readYaml: (text: string) => YamlMapping;
  readonly log?: Logger;
}

/** A mapping as Go reads it into a struct. Each method throws when the value is of another type. */
export interface YamlMapping {
  /** Undefined when it is absent or null. */
  text(key: string): string | undefined;
  /** False when it is absent. */
  bool(key: string): boolean;
  optional(key: string): YamlMapping | undefined;
  list(key: string): readonly YamlMapping[];
}

/**
 * Reads an MSP folder as cryptogen and the Fabric CA write it: the part of it that is public.
 * @returns `FabricMSPConfig` bytes
 * @throws {SelvageError} `SETTING_INVALID`, naming the file or folder
 * @see getMspConfig in hyperledger/fabric v2.5, msp/configbuilder.go
 */
export async function loadMspFolder(path: string, { mspId, readYaml, log = silent }: MspFolderOptions): Promise<Uint8Array> {
  const pems = (folder: string): Promise<Uint8Array[]> => readPems(join(path, folder), log);
  const rootCerts = await pems('cacerts');
  if (rootCerts.length === 0) {
    throw new SelvageError('SETTING_INVALID', `could not load a valid ca certificate from directory ${join(path, 'cacerts')}`);
  }
  const tlsRootCerts = await pems('tlscacerts');
  return msp.FabricMSPConfig.encode({
    name: mspId,
    rootCerts,
    intermediateCerts: await pems('intermediatecerts'),
    admins: await pems('admincerts'),
    revocationList: await pems('crls'),
    tlsRootCerts,
    tlsIntermediateCerts: tlsRootCerts.length === 0 ? [] : await pems('tlsintermediatecerts'),
    cryptoConfig: { signatureHashFamily: 'SHA2', identityIdentifierHashFunction: 'SHA256' },
    ...(await ouConfigOf(path, readYaml, log)),
  });
}

/** The PEM files of a folder, in the order of their names; none when it does not exist. What cannot be read is left out with a warning. */
export async function readPems(folder: string, log: Logger): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for (const file of (await filesIn(folder, log)) ?? []) {
    const content = await readFile(file).catch((thrown: unknown) => messageOf(thrown));
    const reason = typeof content === 'string' ? content : firstPemBlock(content) === undefined ? 'there is no PEM in it' : undefined;
    if (typeof content !== 'string' && reason === undefined) found.push(new Uint8Array(content));
    else log.warn('a file of the MSP is not used', { file, reason });
  }
  return found;
}

type OuConfig = Pick<msp.FabricMSPConfigInit, 'organizationalUnitIdentifiers' | 'fabricNodeOus'>;

async function ouConfigOf(path: string, readYaml: MspFolderOptions['readYaml'], log: Logger): Promise<OuConfig> {
  const file = join(path, 'config.yaml');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (isAbsent(cause)) return {};
    throw new SelvageError('SETTING_INVALID', `cannot read ${file}: ${fileReason(file, cause)}`, { cause });
  }
  try {
    return await new OuConfigReader(path, log).read(readYaml(text));
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `${file}: ${messageOf(cause)}`, { cause });
  }
}

/** Turns the values of `config.yaml` into their protobuf form; certificates are named relative to the MSP folder. */
class OuConfigReader {
  readonly #path: string;
  readonly #log: Logger;

  constructor(path: string, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  async read(config: YamlMapping): Promise<OuConfig> {
    const identifiers = config.list('OrganizationalUnitIdentifiers');
    const nodeOus = config.optional('NodeOUs');
    const organizationalUnitIdentifiers = await Promise.all(identifiers.map((entry) => this.#identifier(entry)));
    const roles = nodeOus && (await this.#nodeOus(nodeOus)); // looked at in any case: what does not parse is wrong though it be off
    return { organizationalUnitIdentifiers, ...(nodeOus?.bool('Enable') === true && { fabricNodeOus: { enable: true, ...roles } }) };
  }

  async #nodeOus(nodeOus: YamlMapping): Promise<Omit<msp.FabricNodeOUsInit, 'enable'>> {
    const enabled = nodeOus.bool('Enable');
    const role = (key: string) => this.#role(key, nodeOus.optional(key), enabled);
    return {
      clientOuIdentifier: await role('ClientOUIdentifier'),
      peerOuIdentifier: await role('PeerOUIdentifier'),
      adminOuIdentifier: await role('AdminOUIdentifier'),
      ordererOuIdentifier: await role('OrdererOUIdentifier'),
    };
  }

  /** Without a name it counts as absent, whatever its certificate is; without its certificate as one that names none. */
  async #role(key: string, entry: YamlMapping | undefined, enabled: boolean): Promise<msp.FabricOUIdentifierInit | undefined> {
    const organizationalUnitIdentifier = entry?.text('OrganizationalUnitIdentifier') ?? '';
    const named = entry?.text('Certificate') ?? '';
    if (organizationalUnitIdentifier === '' || !enabled) return undefined;
    if (named === '') return { organizationalUnitIdentifier };
    const file = join(this.#path, named);
    try {
      return { certificate: new Uint8Array(await readFile(file)), organizationalUnitIdentifier };
    } catch (thrown) {
      this.#log.warn('config.yaml of the MSP names a certificate that cannot be read: any authority of the MSP counts for the role', {
        file,
        role: key,
        reason: messageOf(thrown),
      });
      return { organizationalUnitIdentifier };
    }
  }

  async #identifier(entry: YamlMapping): Promise<msp.FabricOUIdentifierInit> {
    const organizationalUnitIdentifier = entry.text('OrganizationalUnitIdentifier') ?? '';
    const file = join(this.#path, entry.text('Certificate') ?? '');
    try {
      return { certificate: new Uint8Array(await readFile(file)), organizationalUnitIdentifier };
    } catch (cause) {
      const what = `the certificate ${file} of OU ${organizationalUnitIdentifier}`;
      throw new SelvageError('SETTING_INVALID', `cannot read ${what}: ${fileReason(file, cause)}`, { cause });
    }
  }
}
