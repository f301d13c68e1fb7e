/** Go chaincode without a shim, so that nothing has to be fetched: how it is built, kept and started. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Logger, silent } from '../../common/log.ts';
import { packFolder } from '../../packages/archive/pack.ts';
import { unpackArchive } from '../../packages/archive/unpack.ts';
import type { LaunchSpec } from '../../packages/launch-spec.ts';
import { buildLifecyclePackage, launchableOf, parseLifecyclePackage } from '../../packages/lifecycle-package.ts';
import { GoPlatform } from '../../packages/platforms/go/go-platform.ts';
import { findTool } from '../../packages/platforms/tools.ts';
import { ProcessRuntime } from './process-runtime.ts';

const never = new AbortController().signal;
const go = await findTool('go', process.env, ['/usr/local/go/bin']);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-go-runtime-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(directory, 'sources-'));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

const says = (text: string): string =>
  `package main\n\nimport (\n\t"fmt"\n\t"os"\n)\n\nfunc main() {\n\tfmt.Println(${text}, os.Args[1:], os.Getenv("GOMEMLIMIT"))\n}\n`;

/** The files of a package in a folder, with one more. */
async function unpackedWith(codePackage: Uint8Array, path: string, content: string): Promise<string> {
  const folder = await mkdtemp(join(directory, 'unpacked-'));
  await unpackArchive(codePackage, folder);
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content, { mode: 0o755 });
  return folder;
}

interface Opened extends AsyncDisposable {
  packed(folder: string): Promise<Pick<LaunchSpec, 'codePackage' | 'path'>>;
  /** What a chaincode prints; it ends by itself. */
  launched(spec: Pick<LaunchSpec, 'ccid' | 'platform' | 'codePackage' | 'path'>): Promise<readonly string[]>;
  /** The same for the chaincode in a folder. */
  output(folder: string): Promise<readonly string[]>;
  readonly builds: () => number;
}

function opened(env: Readonly<Record<string, string>>): Opened {
  const host = { ...process.env, GOFLAGS: '', GOPROXY: 'off', ...env };
  let builds = 0;
  const log: Logger = {
    ...silent,
    info: (message) => {
      if (message === 'chaincode build started') builds += 1;
    },
    child: () => log,
  };
  const platform = new GoPlatform({ host });
  const runtime = new ProcessRuntime({
    directory: join(directory, 'runtime'),
    platforms: [platform],
    host,
    log,
    limits: { memoryBytes: 1 << 30 },
  });
  const packed: Opened['packed'] = async (folder) => ({
    codePackage: await platform.pack(folder),
    path: await platform.packagePath(folder),
  });
  const launched: Opened['launched'] = async (spec) => {
    const whole: LaunchSpec = { name: 'cc', version: '1', peerAddress: 'peer:7052', env: {}, ...spec };
    return (await (await runtime.launch(whole, { signal: never })).exited).lastOutput;
  };
  return {
    packed,
    launched,
    output: async (folder) => launched({ ccid: 'cc:1', platform: 'golang', ...(await packed(folder)) }),
    builds: () => builds,
    [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose](),
  };
}

describe.skipIf(go === undefined)(`Go chaincode as a process${go === undefined ? ' (skipped: no go here)' : ''}`, () => {
  const VENDORED = {
    'go.mod': 'module example.com/cc\n\ngo 1.21\n\nrequire example.invalid/dep v1.0.0\n',
    'main.go': says('dep.Name').replace('"fmt"', '"fmt"\n\t"example.invalid/dep"'),
    'vendor/modules.txt': '# example.invalid/dep v1.0.0\n## explicit\nexample.invalid/dep\n',
    'vendor/example.invalid/dep/dep.go': 'package dep\n\nconst Name = "vendored"\n',
  };

  it('is built without a network when its dependencies are vendored, and gets the address and its memory', async () => {
    await using runtime = opened({});
    expect(await runtime.output(await folderWith(VENDORED))).toEqual(['vendored [-peer.address=peer:7052] 966367641B']);
  });

  it('comes in packages of either lifecycle', async () => {
    await using runtime = opened({});
    const { codePackage, path } = await runtime.packed(await folderWith(VENDORED));
    const bytes = await buildLifecyclePackage({ label: 'cc_1', type: 'golang', path, codePackage });
    const found = await parseLifecyclePackage(bytes);
    const output = await runtime.launched({ ccid: found.packageId, ...launchableOf(found) });
    expect(output[0]).toContain('vendored [-peer.address=peer:7052]');
    expect(await runtime.launched({ ccid: 'cc:1', platform: 'golang', codePackage, path })).toEqual(output);
    expect(runtime.builds()).toBe(1);
  });

  it('runs what was built here, not what a package brings along under that name', async () => {
    await using runtime = opened({});
    const { path, codePackage } = await runtime.packed(
      await folderWith({ 'go.mod': 'module example.com/cc\n\ngo 1.21\n', 'main.go': says('"built"') }),
    );
    const brought = await packFolder(join(await unpackedWith(codePackage, 'src/.selvage/chaincode', 'brought'), 'src'), {
      skip: () => false,
    });
    expect((await runtime.launched({ ccid: 'cc:1', platform: 'golang', path, codePackage: brought }))[0]).toContain('built');
  });

  it('is built once for equal packages, again for another', async () => {
    await using runtime = opened({});
    const sources = (name: string) => folderWith({ 'go.mod': 'module example.com/cc\n\ngo 1.21\n', 'main.go': says(`"${name}"`) });
    await Promise.all([runtime.output(await sources('one')), runtime.output(await sources('one'))]);
    expect(runtime.builds()).toBe(1);
    expect((await runtime.output(await sources('two')))[0]).toContain('two');
    expect(runtime.builds()).toBe(2);
    await using restarted = opened({});
    expect((await restarted.output(await sources('one')))[0]).toContain('one');
    expect(restarted.builds()).toBe(0);
  });

  it('is built in the way of GOPATH, with what it vendors', async () => {
    const root = await folderWith({
      'src/example.com/old/main.go': VENDORED['main.go'],
      'src/example.com/old/vendor/example.invalid/dep/dep.go': 'package dep\n\nconst Name = "old ways"\n',
    });
    await using runtime = opened({ GOPATH: root });
    expect((await runtime.output(join(root, 'src/example.com/old')))[0]).toContain('old ways [-peer.address=peer:7052]');
  });
});
