import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { protos } from '../../protos/messages.ts';
import { readArchive } from '../packaging/archive.ts';

const { GOLANG, NODE, CAR, JAVA } = protos.ChaincodeSpec_Type;

/** What a code package of one language may hold. */
export interface PackageRules {
  /** Names that the archive may have. */
  readonly names: RegExp;
  /** Names among those that it may not have. */
  readonly never?: RegExp;
  /** A file that must be there, and what to say when it is not. */
  readonly required?: { readonly name: RegExp; readonly otherwise: string };
}

const ANY_SOURCE = /^\/?(src|META-INF)\/.*/s;

export const GOLANG_RULES: PackageRules = { names: ANY_SOURCE };

export const NODE_RULES: PackageRules = {
  names: ANY_SOURCE,
  required: { name: /^\/?src\/package\.json$/, otherwise: 'no package.json found at the root of the chaincode package' },
};

export const JAVA_RULES: PackageRules = {
  names: /^\/?src\/((src|META-INF)\/.*|(build\.gradle|settings\.gradle|pom\.xml))/s,
  never: /\.class$/,
};

const RULES: ReadonlyMap<number, PackageRules | undefined> = new Map<number, PackageRules | undefined>([
  [GOLANG, GOLANG_RULES],
  [NODE, NODE_RULES],
  [JAVA, JAVA_RULES],
  [CAR, undefined], // opaque to a peer; chaintool judges it
]);

/** Permission bits that a file of a package may have. */
const ALLOWED_MODE = 0o100666;

/**
 * The platform's rules for a deployment spec, as `deploy` and `upgrade` apply them. Installing does not ask for them, and a spec
 * without code passes. META-INF is allowed, as from 1.3 on.
 *
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` with Fabric's text
 * @see ValidateDeploymentSpec in hyperledger/fabric v1.4, core/chaincode/platforms
 */
export async function validateDeploymentSpec(
  { chaincodeSpec, codePackage }: protos.ChaincodeDeploymentSpec,
  options: Partial<Cancellable> = {},
): Promise<void> {
  const type = chaincodeSpec?.type ?? protos.ChaincodeSpec_Type.UNDEFINED;
  if (!RULES.has(type)) throw invalid(`Unknown chaincodeType: ${typeName(type)}`);
  const rules = RULES.get(type);
  if (rules !== undefined) await checkCodePackage(codePackage, rules, options);
}

/**
 * Reads through a code package and applies rules to it; an empty one passes.
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` with Fabric's text, or the signal's reason
 */
export async function checkCodePackage(codePackage: Uint8Array, rules: PackageRules, options: Partial<Cancellable> = {}): Promise<void> {
  if (codePackage.length === 0) return;
  let complete = rules.required === undefined;
  await readArchive(
    codePackage,
    ({ name, type: kind, mode }) => {
      if (kind === 'directory') return undefined; // tools write them, Fabric's own packers do not
      if (!rules.names.test(name) || rules.never?.test(name)) throw invalid(`illegal file detected in payload: "${name}"`);
      if ((mode & ~ALLOWED_MODE) !== 0) throw invalid(`illegal file mode detected for file ${name}: ${mode.toString(8)}`);
      complete ||= rules.required?.name.test(name) === true;
      return undefined;
    },
    options,
  );
  if (!complete) throw invalid(rules.required?.otherwise ?? '');
}

/**
 * Which platform runs a chaincode of that `ChaincodeSpec.type`.
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` for a type that names none, and for CAR
 */
export function platformNameOf(type: number): 'golang' | 'node' | 'java' {
  if (type === GOLANG) return 'golang';
  if (type === CAR) throw carRefused();
  if (type === NODE) return 'node';
  if (type === JAVA) return 'java';
  throw invalid(`Unknown chaincodeType: ${typeName(type)}`);
}

/** A CAR is an archive of chaintool's own format, which only chaintool can build; Fabric 2.0 dropped it. */
const carRefused = (): SelvageError =>
  new SelvageError(
    'CHAINCODE_PACKAGE_INVALID',
    'CAR packages are not run: they can only be built by chaintool, which is no longer maintained and which Fabric dropped in 2.0',
    { advice: 'Package the Go sources of the chaincode as GOLANG instead.' },
  );

const typeName = (type: number): string =>
  Object.entries(protos.ChaincodeSpec_Type).find(([, value]) => value === type)?.[0] ?? String(type);

const invalid = (message: string): SelvageError => new SelvageError('CHAINCODE_PACKAGE_INVALID', message);
