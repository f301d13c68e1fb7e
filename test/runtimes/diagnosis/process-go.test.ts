/** Go chaincode as a process: each failure for real, through a whole peer where the peer's own environment will do. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { systemClock } from '../../../src/common/clock.ts';
import { CertificateAuthority } from '../../../src/msp/material/certificate-authority.ts';
import { allPlatforms } from '../../../src/packages/platforms/platforms.ts';
import { findTool } from '../../../src/packages/platforms/tools.ts';
import { ProcessRuntime, type ProcessRuntimeParts } from '../../../src/runtimes/process/process-runtime.ts';
import { repository } from '../../journeys/network.ts';
import { writeProgram } from '../../program-file.ts';
import { failingLaunch } from './failing-launch.ts';
import { type FailingPeer, type Files, failingPeer } from './failing-peer.ts';
import { answering, type WebServer, webServer } from './npm-registries.ts';
import type { Symptoms } from './symptoms.ts';

const go = await findTool('go', process.env, ['/usr/local/go/bin']);
const skipped = process.platform !== 'linux' || go === undefined;
const needsGo = (name: string): string => (go === undefined ? `${name} (skipped: no go here)` : name);
const BUILD = { code: 'CHAINCODE_BUILD_FAILED', exitCode: 1 } as const;
const EXIT = { code: 'CHAINCODE_LAUNCH_FAILED' } as const;

const module_ = (main: string, more: Files = {}): Files => ({
  'go.mod': 'module example.com/cc\n\ngo 1.21\n',
  'main.go': `package main\n\n${main}\n`,
  ...more,
});

/** On the released shim, with something done before it starts. */
async function onShim(before: string, more: Files = {}): Promise<Files> {
  const from = (name: string): Promise<string> => readFile(join(repository, 'chaincodes/kv-go', name), 'utf8');
  const imports = 'import (\n\t"os"\n\n\t"github.com/hyperledger/fabric-chaincode-go/v2/shim"\n)';
  const main = `${imports}\n\nfunc main() {\n\t${before}\n\tif err := shim.Start(nil); err != nil {\n\t\tprintln(err.Error())\n\t\tos.Exit(7)\n\t}\n}`;
  return module_(main, { 'go.mod': await from('go.mod'), 'go.sum': await from('go.sum'), ...more });
}

async function mkdtempDisposable() {
  const path = await mkdtemp(join(tmpdir(), 'selvage-go-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

describe.skipIf(skipped)(needsGo('Go chaincode as a process'), () => {
  let peer: FailingPeer;
  beforeAll(async () => {
    peer = await failingPeer();
  });
  afterAll(() => peer?.[Symbol.asyncDispose]());

  it('that does not compile', () =>
    peer.failure(module_('func main() { undefinedThing() }'), {
      ...BUILD,
      reason: 'the sources do not compile: main.go:3:15: undefined: undefinedThing',
      advice: /Correct the lines shown/,
      output: /main\.go:3:15: undefined: undefinedThing/,
    }));

  it('that imports what its go.mod does not list', () =>
    peer.failure(module_('import _ "example.invalid/none"\n\nfunc main() {}'), {
      ...BUILD,
      reason: 'go.mod, go.sum and the sources do not fit together',
      advice: /go mod tidy/,
      output: /example\.invalid\/none/,
    }));

  it('that is no program', () =>
    peer.failure(module_('', { 'main.go': 'package lib\n' }), {
      code: 'CHAINCODE_BUILD_FAILED',
      reason: /the Go package is not a program: it is not called main$/,
      advice: /package main/,
    }));

  it('that panics', () =>
    peer.failure(module_('func main() { panic("no way") }'), {
      ...EXIT,
      exitCode: 2,
      reason: 'the chaincode failed while it started: panic: no way',
      advice: /trace/,
      output: /main\.go/,
    }));

  it('that ends before it registers', () =>
    peer.failure(module_('import "os"\n\nfunc main() {\n\tprintln("so much for that")\n\tos.Exit(4)\n}'), {
      ...EXIT,
      exitCode: 4,
      reason: 'the chaincode ended before it registered with the peer',
      advice: /by hand/,
      output: /^so much for that$/,
    }));

  it('that is killed by a signal', () =>
    peer.failure(module_('import "syscall"\n\nfunc main() { _ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL); select {} }'), {
      ...EXIT,
      reason: 'the chaincode was killed from outside, as the kernel does when memory runs out',
      advice: /dmesg/,
    }));

  it('that registers under another name', async () => {
    await peer.failure(await onShim('os.Setenv("CORE_CHAINCODE_ID_NAME", "other:1")'), {
      ...EXIT,
      reason: /^it registered as other:1 instead of failing\d+:1$/,
      advice: /CORE_CHAINCODE_ID_NAME/,
    });
  });

  it('that trusts another certificate authority', async () => {
    const authority = await CertificateAuthority.create({ commonName: 'another-ca', organization: 'elsewhere' }, systemClock.now());
    const before =
      'os.WriteFile(os.Getenv("HOME")+"/ca.pem", []byte(CA), 0o600)\n\tos.Setenv("CORE_PEER_TLS_ROOTCERT_FILE", os.Getenv("HOME")+"/ca.pem")';
    const constant = `package main\n\nconst CA = \`${authority.own.certificate}\`\n`;
    await peer.failure(await onShim(before, { 'ca.go': constant }), {
      ...EXIT,
      exitCode: 7,
      reason:
        /^TLS mismatch: the chaincode does not trust the certificate authority of the peer$|^the chaincode found no way to the peer, or they do not agree on TLS$/,
      advice: /CORE_PEER_TLS_ROOTCERT_FILE/,
      output: /.+/,
    });
  });
});

describe.skipIf(skipped)(needsGo('Go chaincode as a process, in another environment'), () => {
  const runtimeWith =
    (env: Readonly<Record<string, string>>, parts: Partial<ProcessRuntimeParts> = {}) =>
    (directory: string): ProcessRuntime => {
      const host = { ...process.env, GOFLAGS: '', ...env };
      return new ProcessRuntime({ directory, platforms: allPlatforms({ host }), host, ...parts });
    };
  const none = 'example.invalid/none v1.0.0';
  const HASH = 'h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';
  const wanting = module_('import _ "example.invalid/none"\n\nfunc main() {}', {
    'go.mod': `module example.com/cc\n\ngo 1.21\n\nrequire ${none}\n`,
    'go.sum': `${none} ${HASH}\n${none}/go.mod ${HASH}\n`,
  });
  const proxied = async (proxy: Promise<WebServer>, symptoms: Symptoms): Promise<void> => {
    await using server = await proxy;
    await failingLaunch({ runtime: runtimeWith({ GOPROXY: server.url, GONOPROXY: 'none' }), files: wanting }, symptoms);
  };

  it.each([
    ['nothing listens where the module proxy should be', 'http://127.0.0.1:1', /connection refused/],
    ['nobody knows the host of the module proxy', 'http://proxy.invalid', /no such host|server misbehaving|dial tcp/],
  ])('because %s', async (_, GOPROXY, output) => {
    await failingLaunch(
      { runtime: runtimeWith({ GOPROXY }), files: wanting },
      {
        ...BUILD,
        reason: 'a dependency could not be got, because the module proxy was not reached',
        advice: /GOPROXY.*go mod vendor/,
        output,
      },
    );
  });

  it('because the module proxy does not have a dependency', () =>
    proxied(answering(404, 'text/plain', 'not found'), {
      ...BUILD,
      reason: 'a dependency is not to be had under that name and version: example.invalid/none@v1.0.0',
      advice: /go\.mod.*GOPROXY.*GOPRIVATE/,
      output: /404 Not Found/,
    }));

  it('because a dependency is not the one that go.sum knows', () =>
    proxied(
      webServer((request, response) =>
        response.end(request.url?.endsWith('.mod') === true ? 'module example.invalid/none\n' : '{"Version":"v1.0.0"}'),
      ),
      {
        ...BUILD,
        reason: /^a dependency is not the one that go\.sum knows: example\.invalid\/none@v1\.0\.0/,
        advice: /before you trust it/,
        output: /checksum mismatch/,
      },
    ));

  it('because a C compiler is missing', () =>
    failingLaunch(
      {
        runtime: runtimeWith({ CGO_ENABLED: '1', CC: 'no-such-compiler' }),
        files: module_('// int x;\nimport "C"\n\nfunc main() { C.x = 1 }'),
      },
      {
        ...BUILD,
        reason: 'a native dependency needs a C compiler, and there is none',
        advice: /Install gcc/,
        output: /no-such-compiler/,
      },
    ));

  it('because it needs a newer Go', () =>
    failingLaunch(
      {
        runtime: runtimeWith({ GOTOOLCHAIN: 'local' }),
        files: module_('func main() {}', { 'go.mod': 'module example.com/cc\n\ngo 1.999\n' }),
      },
      { ...BUILD, reason: 'the chaincode or a dependency needs a newer Go', advice: /Install that Go version/, output: /1\.999/ },
    ));

  it('because it is built for another kind of machine', async () => {
    await using folder = await mkdtempDisposable();
    const mark = process.arch === 'arm64' ? '\\076' : '\\267'; // e_machine of the other one
    const patch = `printf '${mark}' | dd of=.selvage/chaincode bs=1 seek=18 conv=notrunc 2>/dev/null`;
    await writeProgram(join(folder.path, 'bin/go'), `#!/bin/sh\n${go} "$@" || exit $?\nif [ "$1" = build ]; then ${patch}; fi\n`);
    const PATH = `${join(folder.path, 'bin')}:${process.env['PATH']}`;
    await failingLaunch(
      { runtime: runtimeWith({ PATH }, { sandbox: 'off' }), files: module_('func main() {}') },
      {
        ...EXIT,
        reason: 'the program is built for another kind of machine',
        advice: /machine that runs it/,
        output: /Exec format error|chaincode: \d+: |ELF/i,
      },
    );
  });

  it('because it runs out of memory', () =>
    failingLaunch(
      {
        runtime: runtimeWith({}, { limits: { memoryBytes: 150 * 1024 * 1024 } }),
        files: module_(
          'func main() {\n\tvar all [][]byte\n\tfor {\n\t\tall = append(all, make([]byte, 1<<20))\n\t\tfor at := range all[len(all)-1] {\n\t\t\tall[len(all)-1][at] = 1\n\t\t}\n\t}\n}',
        ),
      },
      {
        ...EXIT,
        exitCode: 2,
        reason: 'the chaincode ran out of memory',
        advice: /selvage\.process\.memory/,
        output: /^fatal error: .*memory|^SIGSEGV: segmentation violation/, // the latter from the collector of Go 1.26
      },
    ));
});
