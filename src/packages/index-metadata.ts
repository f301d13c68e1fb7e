import { textOf } from '../common/bytes.ts';
import { SelvageError } from '../common/errors.ts';
import { protos } from '../protos/messages.ts';
import { type ReadArchiveOptions, readArchive } from './archive/archive.ts';
import type { ChaincodePackage } from './chaincode-package.ts';

/** An index definition that a package brings along. */
export interface MetadataFile {
  /** Like `META-INF/statedb/couchdb/indexes/byOwner.json`. */
  readonly path: string;
  readonly content: Uint8Array;
}

/** Far above any index definition, far below what would hurt. */
export const MAX_METADATA_BYTES = 1024 * 1024;

const STATE_DATABASE = 'META-INF/statedb/';
const DATABASES: readonly string[] = ['couchdb'];
/** Not anchored at its end, as in Fabric: folders below `indexes` and names like `x.json.bak` pass. */
const INDEX_FILE = /^META-INF\/statedb\/couchdb\/(?:collections\/[A-Za-z0-9_-]+\/)?indexes\/.*[.]json/;

/**
 * The state database files of an installed or arriving package, each one validated. A CAR is opaque and has none.
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID`; LSCC prefixes the text with `invalid state database artifact: `
 * @see ExtractStatedbArtifactsFromCCPackage in hyperledger/fabric v1.1.0, core/common/ccprovider
 */
export async function metadataOf(
  { spec, deploymentSpec }: ChaincodePackage,
  options: ReadArchiveOptions = {},
): Promise<readonly MetadataFile[]> {
  if (spec.type === protos.ChaincodeSpec_Type.CAR) return [];
  return metadataIn(deploymentSpec.codePackage, options);
}

/**
 * The state database files of a code package, each one validated; none of an empty one.
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID`
 */
export async function metadataIn(codePackage: Uint8Array, options: ReadArchiveOptions = {}): Promise<readonly MetadataFile[]> {
  if (codePackage.length === 0) return [];
  const found: MetadataFile[] = [];
  await readArchive(
    codePackage,
    ({ path, type, size }) => {
      if (type === 'directory' || !path.startsWith(STATE_DATABASE)) return undefined;
      if (size > MAX_METADATA_BYTES) throw invalid(`Index metadata file [${path}] is larger than ${MAX_METADATA_BYTES} bytes`);
      const chunks: Uint8Array[] = [];
      return { write: (chunk) => chunks.push(chunk), close: () => found.push({ path, content: new Uint8Array(Buffer.concat(chunks)) }) };
    },
    options,
  );
  for (const file of found) checkMetadata(file);
  return found;
}

/**
 * Laxer than what the database takes in the end: it is there to find the mistakes of those who write a package.
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` with Fabric's text
 * @see ValidateMetadataFile in hyperledger/fabric v2.5, core/common/ccprovider/metadata/validators.go
 */
export function checkMetadata({ path, content }: MetadataFile): void {
  if (!INDEX_FILE.test(path)) throw invalid(problemOfPath(path));
  const definition = objectIn(textOf(content));
  if (definition === undefined) throw invalid(`Index metadata file [${path}] is not a valid JSON`);
  const problem = problemOfDefinition(definition);
  if (problem !== undefined) throw invalid(`Index metadata file [${path}] is not a valid index definition: ${problem}`);
}

function problemOfPath(path: string): string {
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  const [, , database = '', first, , last, ...more] = folder.split('/').slice(0, -1);
  const depth = folder.split('/').length - 1;
  if (!folder.startsWith('META-INF/statedb')) return `metadata file path must begin with META-INF/statedb, found: ${folder}`;
  if (depth < 4) return `metadata file path must include a database and index directory: ${folder}`;
  if (!DATABASES.includes(database)) return `database name [${database}] is not supported, valid options: [${DATABASES.join(' ')}]`;
  if (depth === 4 && first !== 'indexes') return `metadata file path does not have an indexes directory: ${folder}`;
  if (last === undefined || more.length > 0)
    return `metadata file path for collections must include a collections and index directory: ${folder}`;
  if (first !== 'collections' || last !== 'indexes')
    return `metadata file path for collections must have a collections and indexes directory: ${folder}`;
  return `metadata file path or name is not supported: ${folder}`;
}

function problemOfDefinition(definition: JsonObject): string | undefined {
  for (const [key, value] of Object.entries(definition)) {
    const problem = problemOfEntry(key, value);
    if (problem !== undefined) return problem;
  }
  return 'index' in definition ? undefined : 'Index definition must include a "fields" definition';
}

function problemOfEntry(key: string, value: unknown): string | undefined {
  switch (key) {
    case 'index':
      return isObject(value) ? problemOfIndex(value) : 'Invalid entry, "index" must be a JSON';
    case 'ddoc':
    case 'name':
      return typeof value === 'string' ? undefined : `Invalid entry, "${key}" must be a string`;
    case 'type':
      return value === 'json' ? undefined : 'Index type must be json';
    default:
      return `Invalid Entry.  Entry ${key}`;
  }
}

function problemOfIndex(index: JsonObject): string | undefined {
  for (const [key, value] of Object.entries(index)) {
    if (key === 'partial_filter_selector') continue;
    if (key !== 'fields') return `Invalid Entry.  Entry ${key}`;
    if (!Array.isArray(value)) return 'Expecting a JSON array of fields';
    for (const field of value) {
      const problem = problemOfField(field);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

function problemOfField(field: unknown): string | undefined {
  const wrong = 'Invalid field definition, fields must be in the form "fieldname":"sort"';
  if (field === null) return wrong; // Fabric's checker crashes
  if (!isObject(field)) return undefined;
  for (const sort of Object.values(field)) {
    if (typeof sort !== 'string') return wrong;
    if (!['asc', 'desc'].includes(sort.toLowerCase())) return `Sort must be either "asc" or "desc".  "${sort}" was found.`;
  }
  return undefined;
}

type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

function objectIn(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const invalid = (message: string): SelvageError => new SelvageError('CHAINCODE_PACKAGE_INVALID', message);
