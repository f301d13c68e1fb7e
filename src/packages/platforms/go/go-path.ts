import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, SelvageError } from '../../../common/errors.ts';
import type { PackedSource } from '../../archive/pack.ts';
import type { ToolEnvironment } from '../tools.ts';

/** Files of a Go package that are packed. @see includeFileTypes in hyperledger/fabric v1.1.0, core/chaincode/platforms/golang */
export const isGoSource = (file: string): boolean => /\.(c|h|s|go|yaml|json)$/.test(file);

/** What the builder image has by itself; chaincode of those days was compiled with the peer's own shim. */
const PROVIDED: ReadonlySet<string> = new Set([
  'github.com/hyperledger/fabric/core/chaincode/shim',
  'github.com/hyperledger/fabric/protos/peer',
]);

interface GoPackage {
  readonly importPath: string;
  readonly standard: boolean;
  readonly folder: string;
  readonly imports: readonly string[];
  readonly problem: string;
}

const FORMAT = '{{.ImportPath}}\t{{.Standard}}\t{{.Dir}}\t{{join .Imports " "}}\t{{with .Error}}{{.Err | printf "%q"}}{{end}}';
const LIST_MS = 60_000;

/**
 * What chaincode below GOPATH imports from outside its own folder, at the places where the compiler finds it as vendored: the
 * files of each package, not those of folders below it. The standard library and the shim stay out.
 *
 * @param importPath of the chaincode, as `example.com/cc`
 * @throws {SelvageError} `CHAINCODE_PACKAGE_INVALID` for an import that is nowhere
 * @see GetDeploymentPayload and vendorDependencies in hyperledger/fabric v1.1.0, core/chaincode/platforms/golang
 */
export async function importedFromOutside(importPath: string, go: string, host: ToolEnvironment): Promise<readonly PackedSource[]> {
  const packages = new Map((await listed(importPath, go, host)).map((each) => [each.importPath, each]));
  const found: PackedSource[] = [];
  for (const name of reached(importPath, packages)) {
    const { folder = '', problem = 'it is nowhere' } = packages.get(name) ?? {};
    if (problem !== '') throw unresolved(importPath, name, problem);
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries)
      if (entry.isFile() && isGoSource(entry.name))
        found.push({ from: join(folder, entry.name), to: `src/${importPath}/vendor/${name}/${entry.name}` });
  }
  return found;
}

/** The packages outside that are needed, directly or through others, each once. */
function reached(importPath: string, packages: ReadonlyMap<string, GoPackage>): ReadonlySet<string> {
  const own = (name: string): boolean => name === importPath || name.startsWith(`${importPath}/`);
  const seen = new Set<string>();
  const visit = (name: string): void => {
    const known = packages.get(name);
    if (seen.has(name) || PROVIDED.has(name) || name === 'C' || name === 'unsafe' || known?.standard === true) return;
    seen.add(name);
    known?.imports.forEach(visit);
  };
  visit(importPath);
  return new Set([...seen].filter((name) => !own(name)));
}

async function listed(importPath: string, go: string, host: ToolEnvironment): Promise<readonly GoPackage[]> {
  const env = { ...host, GO111MODULE: 'off', GOFLAGS: '', GOTOOLCHAIN: 'local' };
  try {
    const args = ['list', '-e', '-deps', '-f', FORMAT, importPath];
    const { stdout } = await promisify(execFile)(go, args, { env, timeout: LIST_MS, maxBuffer: 64 * 1024 * 1024 });
    return stdout.split('\n').filter(Boolean).map(packageOf);
  } catch (cause) {
    throw new SelvageError('CHAINCODE_PACKAGE_INVALID', `cannot list what ${importPath} imports: ${messageOf(cause)}`, { cause });
  }
}

function packageOf(line: string): GoPackage {
  const [importPath = '', standard, folder = '', imports = '', problem = ''] = line.split('\t');
  return { importPath, standard: standard === 'true', folder, imports: imports.split(' ').filter(Boolean), problem };
}

const unresolved = (importPath: string, name: string, problem: string): SelvageError =>
  new SelvageError('CHAINCODE_PACKAGE_INVALID', `${importPath} imports ${name}, which cannot be packed: ${problem}`, {
    advice: 'Get it into GOPATH, vendor it below the chaincode, or make the chaincode a module (go mod init).',
  });
