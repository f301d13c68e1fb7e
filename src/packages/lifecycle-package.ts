import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { detach, hex, sha256, textOf, utf8 } from '../common/bytes.ts';
import type { Cancellable } from '../common/cancel.ts';
import { messageOf, SelvageError } from '../common/errors.ts';
import { type Logger, silent } from '../common/log.ts';
import { type ArchiveWords, readArchive } from './archive/archive.ts';
import { compress } from './archive/pack.ts';
import type { LaunchSpec } from './launch-spec.ts';

/** A package of the 2.x lifecycle, as received and as read. */
export interface LifecyclePackage {
  /** The `.tar.gz` as received; its hash is part of the id. */
  readonly bytes: Uint8Array;
  /** `label:sha256hex` */
  readonly packageId: string;
  readonly label: string;
  /** As `metadata.json` spells it: `golang`, `node`, `java`, `ccaas`, `k8s`, or anything that an external builder knows. */
  readonly type: string;
  readonly path: string;
  /** `metadata.json` verbatim, with what we do not know. */
  readonly metadata: Uint8Array;
  /** `code.tar.gz` */
  readonly codePackage: Uint8Array;
}

const METADATA = 'metadata.json';
const CODE = 'code.tar.gz';
const LABEL = /^[A-Za-z0-9][A-Za-z0-9_.+-]*$/;
/** Longer ones do not fit a file name together with the hash. */
const MAX_LABEL = 255 - '..tar.gz'.length - 64;
const PREFIX = 'could not parse as a chaincode install package: ';
/** Tar's own numbers for what is no file, as Go prints them. */
const TYPE_FLAGS = new Map([
  ['link', 49],
  ['symlink', 50],
  ['character-device', 51],
  ['block-device', 52],
  ['directory', 53],
  ['fifo', 54],
]);

const WORDS: ArchiveWords = {
  gzip: `${PREFIX}error reading as gzip stream: `,
  tar: `${PREFIX}error inspecting next tar header: `,
  notAFile: (name, type) => `${PREFIX}tar entry ${name} is not a regular file, type ${TYPE_FLAGS.get(type) ?? 0}`,
};

/**
 * Reads a package as `InstallChaincode` receives it. Only the outer archive is looked into: what the code may hold is for the
 * platform or the external builder to say.
 *
 * @param received copied, so the message it is part of may be reused
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` with Fabric's text, or the signal's reason
 * @see Parse in hyperledger/fabric v2.5, core/chaincode/persistence/chaincode_package.go
 */
export async function parseLifecyclePackage(
  received: Uint8Array,
  { log = silent, signal }: Partial<Cancellable> & { readonly log?: Logger } = {},
): Promise<LifecyclePackage> {
  const bytes = detach(received);
  const files = new Map<string, Uint8Array>();
  const visit = ({ name, type }: { readonly name: string; readonly type: string }) => {
    if (type !== 'file') throw refused(WORDS.notAFile(name, type));
    if (name !== METADATA && name !== CODE) {
      log.warn('unexpected file in the top level of a chaincode package', { file: name });
      return undefined;
    }
    const chunks: Uint8Array[] = [];
    return { write: (chunk: Uint8Array) => chunks.push(chunk), close: () => files.set(name, new Uint8Array(Buffer.concat(chunks))) };
  };
  await readArchive(bytes, visit, { words: WORDS, ...(signal && { signal }) });
  const metadata = files.get(METADATA);
  const read = metadata === undefined ? undefined : readMetadata(textOf(metadata));
  const codePackage = files.get(CODE);
  if (codePackage === undefined) throw refused(`${PREFIX}did not find a code package inside the package`);
  if (metadata === undefined || read === undefined) throw refused(`${PREFIX}did not find any package metadata (missing ${METADATA})`);
  checkLabel(read.label, PREFIX);
  return { bytes, packageId: packageIdOf(read.label, bytes), ...read, metadata, codePackage };
}

export interface LifecyclePackageParts {
  readonly label: string;
  /** `golang`, `node`, `java`, `ccaas`, … */
  readonly type: string;
  /** `Platform.packagePath` of the sources. */
  readonly path: string;
  /** tar.gz, as `Platform.pack` makes it. */
  readonly codePackage: Uint8Array;
}

/**
 * Makes a package. The same parts give the same bytes on the same Node version, and so the same id.
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` for a bad label
 * @see internal/peer/lifecycle/chaincode/package.go in hyperledger/fabric v2.5
 */
export async function buildLifecyclePackage({ label, type, path, codePackage }: LifecyclePackageParts): Promise<Uint8Array> {
  checkLabel(label, '');
  const archive = pack();
  const entry = (name: string, content: Uint8Array): void =>
    void archive.entry({ name, mode: 0o644, mtime: new Date(0), uid: 500, gid: 500 }, Buffer.from(content));
  entry(METADATA, utf8(JSON.stringify({ path, type, label })));
  entry(CODE, codePackage);
  archive.finalize();
  return compress(await buffer(archive));
}

/** `label:hex SHA-256` of the whole package. */
export const packageIdOf = (label: string, bytes: Uint8Array): string => `${label}:${hex(sha256(bytes))}`;

/** What a runtime needs of it. External builders get the metadata as well. */
export const launchableOf = ({
  type,
  path,
  codePackage,
  metadata,
}: LifecyclePackage): Pick<LaunchSpec, 'platform' | 'path' | 'codePackage' | 'metadata'> => ({
  platform: type.toLowerCase(),
  path,
  codePackage,
  metadata,
});

function readMetadata(text: string): Pick<LifecyclePackage, 'label' | 'type' | 'path'> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refused(`${PREFIX}could not unmarshal ${METADATA} as json: ${messageOf(cause)}`);
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject && value !== null) throw refused(`${PREFIX}could not unmarshal ${METADATA} as json: it is no object`);
  const fields = new Map(Object.entries(value ?? {}).map(([key, each]) => [key.toLowerCase(), each])); // Go ignores the case of keys
  const textIn = (key: string): string => {
    const found: unknown = fields.get(key) ?? '';
    if (typeof found === 'string') return found;
    throw refused(`${PREFIX}could not unmarshal ${METADATA} as json: ${key} is no string`);
  };
  return { label: textIn('label'), type: textIn('type'), path: textIn('path') };
}

function checkLabel(label: string, prefix: string): void {
  if (!LABEL.test(label))
    throw refused(
      `${prefix}invalid label '${label}'. Label must be non-empty, can only consist of alphanumerics, symbols from '.+-_', and can only begin with alphanumerics`,
    );
  if (label.length > MAX_LABEL) throw refused(`${prefix}the label is longer than ${MAX_LABEL} characters`);
}

const refused = (message: string): SelvageError => new SelvageError('CHAINCODE_PACKAGE_INVALID', message);
