import { isAbsolute, join, resolve } from 'node:path';
import { SelvageError } from '../../common/errors.ts';
import { exists } from './files.ts';
import { packGoImport } from './go/go-import.ts';
import { GoPlatform } from './go/go-platform.ts';
import type { ImageSettings, ImageVariables } from './image-names.ts';
import { JavaPlatform } from './java/java-platform.ts';
import { NodePlatform } from './node/node-platform.ts';
import { parseRegistry } from './node/npm-registry.ts';
import type { PackPlatformOptions, Platform } from './platform.ts';
import type { ToolEnvironment } from './tools.ts';

export interface PlatformsParts {
  /** The peer's environment; `NODE_REGISTRY` is read from it as well. */
  readonly host?: ToolEnvironment;
  /** The Node that runs chaincode; the peer's own unless told. */
  readonly nodePath?: string;
  readonly images?: ImageSettings;
  readonly variables?: ImageVariables;
}

/**
 * Every language that chaincode can be written in.
 * @throws {SelvageError} `SETTING_INVALID` for a `NODE_REGISTRY` that is none
 */
export function allPlatforms({ host = process.env, nodePath = process.execPath, ...images }: PlatformsParts = {}): readonly Platform[] {
  return [
    new GoPlatform({ host, ...images }),
    new NodePlatform({ nodePath, registry: parseRegistry(host['NODE_REGISTRY']), ...images }),
    new JavaPlatform({ host, ...images }),
  ];
}

/** The platform of a package type, in any case; undefined for one that only an external builder may know. */
export const platformNamed = (type: string, parts: PlatformsParts = {}): Platform | undefined =>
  allPlatforms(parts).find(({ name }) => name === type.toLowerCase());

/** Files by which the language of a folder is known. Chaincode in Go may carry a package.json for its tools, not the other way round. */
export const LANGUAGES = [
  ['golang', ['go.mod']],
  ['java', ['pom.xml', 'build.gradle', 'build.gradle.kts', 'chaincode.jar']],
  ['node', ['package.json']],
] as const;

/** Files that make a folder one of chaincode. */
export const CHAINCODE_FILES: readonly string[] = LANGUAGES.flatMap(([, files]) => files);

/** In which language the chaincode in a folder is written; undefined when nothing there tells. */
export async function languageIn(folder: string): Promise<Platform['name'] | undefined> {
  for (const [name, files] of LANGUAGES) for (const file of files) if (await exists(join(folder, file))) return name;
  return undefined;
}

/** `ChaincodeSpec_Type` of a language, by its name there. */
export const SPEC_TYPES = { golang: 'GOLANG', node: 'NODE', java: 'JAVA' } as const;

/** Sources as a client packs them. */
export interface PackedSources {
  readonly type: (typeof SPEC_TYPES)[Platform['name']];
  /** For `ChaincodeID.path`. */
  readonly path: string;
  readonly codePackage: Uint8Array;
}

/**
 * Packs what a path names for who wrote it in a working folder: a folder, or for Go also an import path.
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID`; `SETTING_INVALID` when there is no such folder
 */
export async function packPath(
  path: string,
  language: Platform['name'],
  { cwd, ...options }: PackPlatformOptions & { readonly cwd: string },
): Promise<PackedSources> {
  const folder = resolve(cwd, path);
  if (await exists(folder)) return packSources(folder, language, options);
  if (language === 'golang' && !isAbsolute(path) && !path.startsWith('.'))
    return { type: 'GOLANG', path, codePackage: await packGoImport(path, { cwd }) };
  throw noFolder(folder);
}

export const noFolder = (folder: string): SelvageError =>
  new SelvageError('SETTING_INVALID', `there is no folder ${folder}`, { advice: 'Check --path.' });

/**
 * Packs the chaincode in a folder.
 * @param language when the caller knows; otherwise it is found out
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID`
 */
export async function packSources(folder: string, language?: Platform['name'], options: PackPlatformOptions = {}): Promise<PackedSources> {
  const name = language ?? (await languageIn(folder));
  const platform = allPlatforms().find((each) => each.name === name);
  if (platform === undefined) throw unknownLanguage(folder);
  const codePackage = await platform.pack(folder, options);
  return { type: SPEC_TYPES[platform.name], path: await platform.packagePath(folder), codePackage };
}

const unknownLanguage = (folder: string): SelvageError =>
  new SelvageError('CHAINCODE_PACKAGE_INVALID', `${folder} holds no chaincode: no package.json, go.mod, pom.xml or build.gradle`, {
    advice: 'Name the folder where that file lies.',
  });
