import type { Cancellable } from '../../common/cancel.ts';
import { SelvageError } from '../../common/errors.ts';
import { protos } from '../../protos/messages.ts';
import { readArchive } from '../archive/archive.ts';
import { DistinctPaths } from '../archive/distinct-paths.ts';

const { GOLANG, NODE, CAR, JAVA } = protos.ChaincodeSpec_Type;

/** What a code package of one language may hold. */
export interface PackageRules {
  /** Names that the archive may have. */
  readonly names: RegExp;
  /** Names among those that it may not have. */
  readonly never?: RegExp;
  /** A file that must be there, and what to say when it is not. */
  readonly required?: { readonly name: RegExp; readonly otherwise: string };
  /** Permission bits that a file may have; any, unless told. */
  readonly modes?: number;
}

const ANY_SOURCE = /^\/?(src|META-INF)\/.*/s;
/** What Fabric lets the files of a deployment spec have. */
const SPEC_MODES = 0o100666;
const MANIFEST = { name: /^\/?(\.\/)*src\/package\.json$/, otherwise: 'no package.json found at the root of the chaincode package' };

/** What any package may hold that is run: a Go peer asks for no more before it builds one. */
export const RUNNABLE: PackageRules = { names: /./s };

export const RUNNABLE_NODE: PackageRules = { ...RUNNABLE, required: MANIFEST };

const GOLANG_RULES: PackageRules = { names: ANY_SOURCE, modes: SPEC_MODES };

const NODE_RULES: PackageRules = { ...GOLANG_RULES, required: { ...MANIFEST, name: /^\/?src\/package\.json$/ } };

const JAVA_RULES: PackageRules = {
  names: /^\/?src\/((src|META-INF)\/.*|(build\.gradle|settings\.gradle|pom\.xml))/s,
  never: /\.class$/,
  modes: SPEC_MODES,
};

const RULES: ReadonlyMap<number, PackageRules | undefined> = new Map<number, PackageRules | undefined>([
  [GOLANG, GOLANG_RULES],
  [NODE, NODE_RULES],
  [JAVA, JAVA_RULES],
  [CAR, undefined], // opaque to a peer; chaintool judges it
]);

/**
 * The platform's rules for a deployment spec, as `deploy` and `upgrade` apply them. A spec without code passes. META-INF is allowed,
 * as from 1.3 on.
 *
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` with Fabric's text
 * @see ValidateDeploymentSpec in hyperledger/fabric v1.4, core/chaincode/platforms
 */
export async function validateDeploymentSpec(
  { chaincodeSpec, codePackage }: protos.ChaincodeDeploymentSpec,
  options: Partial<Cancellable> = {},
): Promise<void> {
  const type = chaincodeSpec?.type ?? protos.ChaincodeSpec_Type.UNDEFINED;
  if (!RULES.has(type)) throw invalidPackage(`Unknown chaincodeType: ${typeName(type)}`);
  const rules = RULES.get(type);
  if (rules !== undefined) await checkCodePackage(codePackage, rules, options);
}

/**
 * What `install` asks of a deployment spec: that it can be run here. Fabric finds out when it builds, at the first call. Sources of Java
 * may come with more than the rules for `deploy` know, like a Gradle wrapper: clients send no code at `deploy`.
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` with Fabric's text where it has one
 */
export async function validateInstalledSpec(
  { chaincodeSpec, codePackage }: protos.ChaincodeDeploymentSpec,
  options: Partial<Cancellable> = {},
): Promise<void> {
  const type = chaincodeSpec?.type ?? protos.ChaincodeSpec_Type.UNDEFINED;
  platformNameOf(type);
  await checkCodePackage(codePackage, (type === JAVA ? RUNNABLE : RULES.get(type)) ?? RUNNABLE, options);
}

/**
 * Reads through a code package and applies rules to it, and those of every archive: no name comes twice, nothing lies in a file. An
 * empty one passes.
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` with Fabric's text, or the signal's reason
 */
export async function checkCodePackage(codePackage: Uint8Array, rules: PackageRules, options: Partial<Cancellable> = {}): Promise<void> {
  if (codePackage.length === 0) return;
  let complete = rules.required === undefined;
  const paths = new DistinctPaths();
  await readArchive(
    codePackage,
    ({ name, path, type: kind, mode }) => {
      paths.add(path, kind);
      if (kind === 'directory') return undefined; // tools write them, Fabric's own packers do not
      if (!rules.names.test(name) || rules.never?.test(name)) throw invalidPackage(`illegal file detected in payload: "${name}"`);
      if (rules.modes !== undefined && (mode & ~rules.modes) !== 0)
        throw invalidPackage(`illegal file mode detected for file ${name}: ${mode.toString(8)}`);
      complete ||= rules.required?.name.test(name) === true;
      return undefined;
    },
    options,
  );
  if (!complete) throw invalidPackage(rules.required?.otherwise ?? '');
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
  throw invalidPackage(`Unknown chaincodeType: ${typeName(type)}`);
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

/** A package that no platform takes, with Fabric's text where it has one. */
export const invalidPackage = (message: string): SelvageError => new SelvageError('CHAINCODE_PACKAGE_INVALID', message);
