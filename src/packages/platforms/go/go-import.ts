import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SelvageError } from '../../../common/errors.ts';
import { type PackedSource, packFolder } from '../../archive/pack.ts';
import { findTool, type ToolEnvironment } from '../tools.ts';

export interface GoImportParts {
  /** The environment that `go` is found and run in; it decides between modules and GOPATH. */
  readonly host?: ToolEnvironment;
  /** Where `go` is asked: the module that the path is looked up in. */
  readonly cwd: string;
}

/** What `go list -json` says of a package, as far as it is needed. */
interface GoListed {
  readonly ImportPath: string;
  readonly Dir: string;
  readonly Standard?: boolean;
  readonly Goroot?: boolean;
  readonly Incomplete?: boolean;
  readonly DepsErrors?: readonly { readonly Err?: string }[];
  readonly Error?: { readonly Err?: string };
  readonly [files: `${string}Files`]: readonly string[] | undefined;
}

const FILES = ['GoFiles', 'CFiles', 'CgoFiles', 'HFiles', 'SFiles', 'IgnoredGoFiles', 'EmbedFiles'] as const;
const LIST_MS = 3 * 60_000;
const USUAL_PLACES = ['/usr/local/go/bin', '/usr/lib/go/bin'] as const;

/**
 * Packs Go chaincode by its import path: the files of its folder, and those of every package it needs outside the standard library,
 * each below `src/` at its own import path, which is where GOPATH's builds find it.
 *
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` with what `go` says of the path
 * @see describeGopath and GetDeploymentPayload in hyperledger/fabric v2.5, core/chaincode/platforms/golang
 */
export async function packGoImport(importPath: string, { host = process.env, cwd }: GoImportParts): Promise<Uint8Array> {
  const go = await findTool('go', host, USUAL_PLACES);
  if (go === undefined)
    throw new SelvageError(
      'CHAINCODE_PACKAGE_INVALID',
      `there is no folder ${importPath}, and no Go here to look it up as an import path`,
      {
        advice: 'Name the folder of the chaincode, or install Go.',
      },
    );
  const packages = await listed(importPath, go, host, cwd);
  const own = packages.find(({ ImportPath }) => ImportPath === importPath) ?? packages.at(-1);
  if (own === undefined) throw unknown(importPath, 'it lists nothing');
  const skip = (file: string, kind: 'file' | 'folder'): boolean =>
    kind === 'folder' ? !file.startsWith('META-INF') : file === 'go.mod' || file === 'go.sum';
  return packFolder(own.Dir, { skip, below: `src/${importPath}`, more: packages.filter((each) => each !== own).flatMap(sourcesOf) });
}

const sourcesOf = (each: GoListed): readonly PackedSource[] =>
  FILES.flatMap((kind) => each[kind] ?? []).map((file) => ({ from: join(each.Dir, file), to: `src/${each.ImportPath}/${file}` }));

/** The package and what it needs. */
async function listed(importPath: string, go: string, host: ToolEnvironment, cwd: string): Promise<readonly GoListed[]> {
  const env = { ...host, GOOS: 'linux', GOTOOLCHAIN: 'local' };
  const run = promisify(execFile);
  const found = await run(go, ['list', '-deps', '-json', importPath], { cwd, env, timeout: LIST_MS, maxBuffer: 256 * 1024 * 1024 }).catch(
    (cause: unknown) => {
      throw unknown(importPath, stderrOf(cause), cause);
    },
  );
  const packages: GoListed[] = JSON.parse(`[${found.stdout.trim().replaceAll(/^\}\n\{/gm, '},{')}]`);
  const incomplete = packages.find(({ Incomplete }) => Incomplete === true);
  if (incomplete !== undefined) throw unknown(importPath, `incomplete package: ${incomplete.ImportPath}`);
  return packages.filter(({ Goroot, Standard }) => Goroot !== true && Standard !== true);
}

const stderrOf = (thrown: unknown): string =>
  thrown instanceof Error && 'stderr' in thrown && typeof thrown.stderr === 'string' && thrown.stderr.trim() !== ''
    ? thrown.stderr.trim()
    : String(thrown);

const unknown = (importPath: string, reason: string, cause?: unknown): SelvageError =>
  new SelvageError('CHAINCODE_PACKAGE_INVALID', `${importPath} is neither a folder nor a Go package: 'go list' failed with: ${reason}`, {
    cause,
    advice: 'Name the folder of the chaincode, or run in a module that has this import path, or set GOPATH and GO111MODULE=off.',
  });
