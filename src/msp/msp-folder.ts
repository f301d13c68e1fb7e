import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SelvageError } from '../common/errors.ts';
import { type Logger, silent } from '../common/log.ts';
import { msp } from '../protos/messages.ts';
import { filesIn, isAbsent } from './folder-files.ts';
import { firstPemBlock } from './identities/pem.ts';

export interface MspFolderOptions {
  readonly mspId: string;
  /** Reads the text of `config.yaml`; the library for it is not this folder's. */
  readonly parseYaml: (text: string) => unknown;
  readonly log?: Logger;
}

/**
 * Reads an MSP folder as cryptogen and the Fabric CA write it: the part of it that is public.
 * @returns `FabricMSPConfig` bytes
 * @throws {SelvageError} `SETTING_INVALID`, naming the file or folder
 * @see getMspConfig in hyperledger/fabric v2.5, msp/configbuilder.go
 */
export async function loadMspFolder(path: string, { mspId, parseYaml, log = silent }: MspFolderOptions): Promise<Uint8Array> {
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
    ...(await ouConfigOf(path, parseYaml)),
  });
}

/** The PEM files of a folder, in the order of their names; none when it does not exist. */
export async function readPems(folder: string, log: Logger): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for (const file of (await filesIn(folder)) ?? []) {
    const content = new Uint8Array(await readFile(file));
    if (firstPemBlock(content) === undefined) log.warn('a file of the MSP is not PEM and is not used', { file });
    else found.push(content);
  }
  return found;
}

type OuConfig = Pick<msp.FabricMSPConfigInit, 'organizationalUnitIdentifiers' | 'fabricNodeOus'>;

async function ouConfigOf(path: string, parseYaml: (text: string) => unknown): Promise<OuConfig> {
  const file = join(path, 'config.yaml');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (isAbsent(cause)) return {};
    throw new SelvageError('SETTING_INVALID', `cannot read ${file}`, { cause });
  }
  const reader = new OuConfigReader(path);
  try {
    return await reader.read(parseYaml(text));
  } catch (cause) {
    throw new SelvageError('SETTING_INVALID', `${file}: ${SelvageError.from(cause).message}`, { cause });
  }
}

/** Turns the values of `config.yaml` into their protobuf form; certificates are named relative to the MSP folder. */
class OuConfigReader {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async read(config: unknown): Promise<OuConfig> {
    const identifiers = fieldOf(config, 'OrganizationalUnitIdentifiers') ?? [];
    const nodeOus = fieldOf(config, 'NodeOUs');
    if (!Array.isArray(identifiers)) throw new SelvageError('SETTING_INVALID', 'OrganizationalUnitIdentifiers is no list');
    const organizationalUnitIdentifiers: msp.FabricOUIdentifierInit[] = [];
    for (const entry of identifiers) organizationalUnitIdentifiers.push(await this.#identifier(entry, { certificateRequired: true }));
    return { organizationalUnitIdentifiers, ...(isEnabled(nodeOus) && { fabricNodeOus: await this.#nodeOus(nodeOus) }) };
  }

  /** Fabric leaves the whole block out when it is not enabled. */
  async #nodeOus(nodeOus: unknown): Promise<msp.FabricNodeOUsInit> {
    const role = async (key: string): Promise<msp.FabricOUIdentifierInit | undefined> => {
      const entry = fieldOf(nodeOus, key);
      return entry === undefined ? undefined : this.#identifier(entry, { certificateRequired: false });
    };
    return {
      enable: true,
      clientOuIdentifier: await role('ClientOUIdentifier'),
      peerOuIdentifier: await role('PeerOUIdentifier'),
      adminOuIdentifier: await role('AdminOUIdentifier'),
      ordererOuIdentifier: await role('OrdererOUIdentifier'),
    };
  }

  async #identifier(
    entry: unknown,
    { certificateRequired }: { readonly certificateRequired: boolean },
  ): Promise<msp.FabricOUIdentifierInit> {
    const certificate = textOf(entry, 'Certificate');
    const organizationalUnitIdentifier = textOf(entry, 'OrganizationalUnitIdentifier');
    if (certificate === '' && !certificateRequired) return { organizationalUnitIdentifier };
    const file = join(this.#path, certificate);
    try {
      return { certificate: new Uint8Array(await readFile(file)), organizationalUnitIdentifier };
    } catch (cause) {
      throw new SelvageError('SETTING_INVALID', `cannot read the certificate ${file} of OU ${organizationalUnitIdentifier}`, { cause });
    }
  }
}

/** A field of a parsed YAML mapping; undefined when the value is none, or the field is absent or empty. */
function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const found: unknown = Reflect.get(value, key);
  return found === null ? undefined : found;
}

function textOf(value: unknown, key: string): string {
  const text = fieldOf(value, key);
  if (text === undefined) return '';
  if (typeof text === 'string') return text;
  throw new SelvageError('SETTING_INVALID', `${key} is no text`);
}

const isEnabled = (nodeOus: unknown): boolean => fieldOf(nodeOus, 'Enable') === true;
