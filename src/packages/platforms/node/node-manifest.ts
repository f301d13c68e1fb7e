import { SelvageError } from '../../../common/errors.ts';
import { parseGoJson } from '../../../common/go-json.ts';

/** What matters of a `package.json`. */
export interface NodeManifest {
  readonly name: string;
  readonly version: string;
  /** The module that the package is for others; '' when it does not say. */
  readonly main: string;
  readonly scripts: Readonly<Record<string, string>>;
  /** Everything that an install without development dependencies gets: name to version or place. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** What is only needed to build or test it. */
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly hasWorkspaces: boolean;
}

/** Scripts of the package itself that npm runs when it installs. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare'] as const;

/** @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` */
export function parseManifest(text: string): NodeManifest {
  const raw = record(parseJson(text));
  if (raw === undefined) throw invalid('package.json is not a JSON object');
  return {
    name: typeof raw['name'] === 'string' ? raw['name'] : '',
    version: typeof raw['version'] === 'string' ? raw['version'] : '',
    main: typeof raw['main'] === 'string' ? raw['main'] : '',
    scripts: strings(raw['scripts']),
    dependencies: { ...strings(raw['peerDependencies']), ...strings(raw['optionalDependencies']), ...strings(raw['dependencies']) },
    devDependencies: strings(raw['devDependencies']),
    hasWorkspaces: raw['workspaces'] !== undefined,
  };
}

export const hasInstallScripts = ({ scripts }: NodeManifest): boolean => INSTALL_SCRIPTS.some((name) => scripts[name] !== undefined);

/**
 * Whether a dependency lies inside the package or on this machine, so that `package.json` and the lock file do not tell its content.
 * @param all whether what is for development counts, too
 */
export const hasLocalDependencies = ({ dependencies, devDependencies, hasWorkspaces }: NodeManifest, lock: string, all: boolean): boolean =>
  hasWorkspaces ||
  [...Object.values(dependencies), ...(all ? Object.values(devDependencies) : [])].some((place) =>
    /^(file:|link:|\.{0,2}\/|~\/)/.test(place),
  ) ||
  /"(resolved": "file:|link": true)/.test(lock);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw invalid(`package.json is not a valid JSON${faultIn(text)}`, cause);
  }
}

/** What is wrong and where, which JSON.parse tells by line in newer versions of Node.js alone; '' where only it finds a fault. */
function faultIn(text: string): string {
  try {
    parseGoJson(text);
    return '';
  } catch (thrown) {
    return `: ${SelvageError.from(thrown).message}`;
  }
}

const record = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : undefined;

const strings = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(record(value) ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));

const invalid = (message: string, cause?: unknown): SelvageError => new SelvageError('CHAINCODE_PACKAGE_INVALID', message, { cause });
