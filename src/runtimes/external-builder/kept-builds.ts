import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePassingFolder } from '../../common/durable-files.ts';
import { messageOf, SelvageError } from '../../common/errors.ts';
import type { Builder, BuildFolders } from './builder.ts';

/** Where a release says that the chaincode is a service. */
export const CONNECTION_FILE = join('chaincode', 'server', 'connection.json');

/** What a builder made of a package, and who it was. */
export interface KeptBuild {
  readonly builder: Builder;
  readonly buildFolder: string;
  readonly releaseFolder: string;
}

/** Characters that some file system or shell takes for something else. @see SanitizeCCIDPath in hyperledger/fabric v2.5 */
export const folderNameOf = (ccid: string): string => ccid.replace(/[<>:"/\\|?*&]/g, '-');

/**
 * Finished builds, in Fabric's layout: `<id>/build-info.json`, `<id>/bld`, `<id>/release`, so that either peer can go on with
 * what the other built.
 * @see Detector in hyperledger/fabric v2.5, core/container/externalbuilder/externalbuilder.go
 */
export class KeptBuilds {
  readonly #directory: string;
  readonly #builders: readonly Builder[];

  constructor(directory: string, builders: readonly Builder[]) {
    this.#directory = directory;
    this.#builders = builders;
  }

  /** @throws {SelvageError} `CHAINCODE_BUILD_FAILED` when the build is there and cannot be used */
  async find(ccid: string): Promise<KeptBuild | undefined> {
    const place = this.#place(ccid);
    if (!(await exists(place))) return undefined;
    const name = await builderNameIn(join(place, 'build-info.json'), ccid);
    const builder = this.#builders.find((each) => each.name === name);
    if (builder === undefined) {
      throw unusable(ccid, `chaincode '${ccid}' was already built with builder '${name}', but that builder is no longer available`, {
        advice: `Put the builder back into chaincode.externalBuilders, or remove ${place} to have the package built anew.`,
      });
    }
    return { builder, buildFolder: join(place, 'bld'), releaseFolder: join(place, 'release') };
  }

  /** Moves a finished build to its place; it is there completely or not at all. */
  async keep(ccid: string, builder: Builder, { build, release }: BuildFolders): Promise<KeptBuild> {
    const place = this.#place(ccid);
    const unfinished = join(build, '..', 'kept');
    await mkdir(unfinished, { mode: 0o700 });
    await writeFile(join(unfinished, 'build-info.json'), JSON.stringify({ builder_name: builder.name }), { mode: 0o600 });
    await rename(build, join(unfinished, 'bld'));
    await rename(release, join(unfinished, 'release'));
    await makePassingFolder(this.#directory);
    await rename(unfinished, place);
    return { builder, buildFolder: join(place, 'bld'), releaseFolder: join(place, 'release') };
  }

  /** Forgets a build, as when its package is removed. */
  async remove(ccid: string): Promise<void> {
    await rm(this.#place(ccid), { recursive: true, force: true });
  }

  #place(ccid: string): string {
    return join(this.#directory, folderNameOf(ccid));
  }
}

async function builderNameIn(file: string, ccid: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw unusable(ccid, `could not read '${file}' for build info: ${messageOf(cause)}`, { cause });
  });
  try {
    const info: unknown = JSON.parse(text);
    if (typeof info === 'object' && info !== null && 'builder_name' in info) return String(info.builder_name);
  } catch (cause) {
    throw unusable(ccid, `malformed build info at '${file}': ${messageOf(cause)}`, { cause });
  }
  throw unusable(ccid, `malformed build info at '${file}': it names no builder`, {});
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const unusable = (ccid: string, text: string, options: { readonly cause?: unknown; readonly advice?: string }): SelvageError =>
  new SelvageError('CHAINCODE_BUILD_FAILED', `external builder failed: existing build could not be restored: ${text}`, {
    details: { ccid },
    ...options,
  });
