/** Node chaincode as a process: each failure for real, through a whole peer where the peer's own environment will do. */
import { mkdir, readFile, realpath, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/common/clock.ts';
import { CertificateAuthority } from '../../../src/msp/material/certificate-authority.ts';
import { allPlatforms } from '../../../src/packages/platforms/platforms.ts';
import { ProcessRuntime } from '../../../src/runtimes/process/process-runtime.ts';
import { repository } from '../../journeys/network.ts';
import { RawChaincode } from '../../journeys/raw-chaincode.ts';
import { failingLaunch } from './failing-launch.ts';
import { type FailingPeer, type Files, failingPeer } from './failing-peer.ts';
import { answering, npmrc, registryOf, type WebServer } from './npm-registries.ts';
import type { Symptoms } from './symptoms.ts';

const NOBODY = 'http://127.0.0.1:1';
const BUILD = { code: 'CHAINCODE_BUILD_FAILED', exitCode: 1 } as const;
const EXIT = { code: 'CHAINCODE_LAUNCH_FAILED' } as const;

const package_ = (more: object = {}): string =>
  JSON.stringify({ name: 'cc', version: '1.0.0', scripts: { start: 'node index.js' }, ...more });
const program = (index: string, more: object = {}): Files => ({ 'package.json': package_(more), 'index.js': index });
const script = (start: string, more: Files = {}): Files => ({ 'package.json': package_({ scripts: { start } }), 'index.js': '', ...more });

/** The sample on the released shim, with its dependencies as the sample has them, and something done before it starts. */
async function sample(before: string, more: Files = {}): Promise<Files> {
  const from = (name: string): Promise<string> => readFile(join(repository, 'chaincodes/kv-node', name), 'utf8');
  const [manifest, lock] = await Promise.all([from('package.json'), from('package-lock.json')]);
  const index = `${before}\nrequire('fabric-shim').start({ Init: async () => 0, Invoke: async () => 0 });\n`;
  return { 'package.json': manifest, 'package-lock.json': lock, 'index.js': index, ...more };
}

/** The same for those who go their own way to the peer: a start script that sets NODE_OPTIONS leaves its socket alone. */
async function dialling(before: string, more: Files = {}): Promise<Files> {
  const files = await sample(before, more);
  const manifest = JSON.parse(String(files['package.json']));
  manifest.scripts.start = `NODE_OPTIONS= ${manifest.scripts.start}`;
  return { ...files, 'package.json': JSON.stringify(manifest) };
}

describe.skipIf(process.platform !== 'linux')('Node chaincode as a process', () => {
  let peer: FailingPeer;
  beforeAll(async () => {
    peer = await failingPeer();
  });
  afterAll(() => peer?.[Symbol.asyncDispose]());

  describe('that does not build, because', () => {
    const wanting = (registry: string, version = '1.0.0', more: object = {}): Files => ({
      ...program('', { dependencies: { 'fabric-network-of-ours': version }, ...more }),
      '.npmrc': npmrc(registry, join(peer.folder, 'npm')),
    });
    const from = async (registry: Promise<WebServer>, version: string, symptoms: Symptoms): Promise<void> => {
      await using server = await registry;
      await peer.failure(wanting(server.url, version), symptoms);
    };

    it('nothing listens where the registry should be', () =>
      peer.failure(wanting(NOBODY), {
        ...BUILD,
        reason: /^a dependency could not be got, because the npm registry was not reached: .*ECONNREFUSED/,
        advice: /network.*NODE_REGISTRY/,
        output: /ECONNREFUSED/,
      }));

    it('nobody knows the host of the registry', () =>
      peer.failure(wanting('http://registry.invalid'), {
        ...BUILD,
        reason: /^a dependency could not be got, because the npm registry was not reached: .*(ENOTFOUND|EAI_AGAIN)/,
        advice: /NODE_REGISTRY/,
        output: /registry\.invalid/,
      }));

    it('the registry does not have a dependency, whatever its name suggests', () =>
      from(answering(404, 'application/json', '{"error":"not found"}'), '1.0.0', {
        ...BUILD,
        reason: /^a dependency is not in the npm registry: .*fabric-network-of-ours/,
        advice: /name and version.*NODE_REGISTRY/,
        output: /code E404/,
      }));

    it('the registry does not have that version', () =>
      from(registryOf('fabric-network-of-ours', '1.0.0'), '^2.0.0', {
        ...BUILD,
        reason: 'a dependency is not in the npm registry in that version: fabric-network-of-ours@^2.0.0',
        advice: /version in package\.json/,
        output: /ETARGET/,
      }));

    it('the registry wants a login', () =>
      from(answering(401, 'application/json', '{"error":"who are you?"}'), '1.0.0', {
        ...BUILD,
        reason: /^the npm registry does not let us in/,
        advice: /credentials.*\.npmrc/,
        output: /E401/,
      }));

    it('a web page answers in place of a registry', () =>
      from(answering(200, 'text/html', '<html><body>Welcome to the hotel</body></html>'), '1.0.0', {
        ...BUILD,
        reason: /^what answered is no npm registry/,
        advice: /web page.*registry/,
        output: /npm error/,
      }));

    it('a dependency is not the one that the lock file knows', async () => {
      await using server = await registryOf('fabric-network-of-ours', '1.0.0');
      const dependencies = { 'fabric-network-of-ours': '1.0.0' };
      const integrity = `sha512-${Buffer.alloc(64, 7).toString('base64')}`;
      const locked = { version: '1.0.0', resolved: `${server.url}/fabric-network-of-ours.tgz`, integrity };
      const packages = { '': { name: 'cc', version: '1.0.0', dependencies }, 'node_modules/fabric-network-of-ours': locked };
      const lock = JSON.stringify({ name: 'cc', version: '1.0.0', lockfileVersion: 3, requires: true, packages });
      await peer.failure(
        { ...wanting(server.url), 'package-lock.json': lock },
        {
          ...BUILD,
          reason: /^a dependency is not the one that package-lock\.json knows/,
          advice: /checksum differs/,
          output: /EINTEGRITY/,
        },
      );
    });

    it('the lock file does not fit', () => {
      const own = { name: 'cc', version: '1.0.0' };
      const lock = JSON.stringify({ ...own, lockfileVersion: 3, packages: { '': own } });
      return peer.failure(
        { ...program('', { dependencies: { 'not-in-the-lock-file': 'file:./index.js' } }), 'package-lock.json': lock },
        { ...BUILD, reason: 'package-lock.json does not fit package.json', advice: /run npm install where/, output: /EUSAGE/ },
      );
    });

    /** A package that TypeScript compiles, strict about what is never used. */
    const typescript = async (source: string): Promise<Readonly<Record<string, string>>> => {
      const lock: unknown = JSON.parse(await readFile(join(repository, 'chaincodes/kv-ts/package-lock.json'), 'utf8'));
      const devDependencies = { typescript: '5.9.3' };
      const own = { name: 'cc', version: '1.0.0', scripts: { start: 'node dist', build: 'tsc' }, devDependencies };
      const packages = { '': own, 'node_modules/typescript': lockedIn(lock, 'node_modules/typescript') };
      return {
        'package.json': JSON.stringify(own),
        'package-lock.json': JSON.stringify({ name: 'cc', version: '1.0.0', lockfileVersion: 3, packages }),
        'tsconfig.json': JSON.stringify({ compilerOptions: { outDir: 'dist', types: [], noUnusedLocals: true } }),
        'src/index.ts': source,
      };
    };

    it('TypeScript finds an error', async () => {
      await peer.failure(await typescript("export const count: number = 'one';\n"), {
        code: 'CHAINCODE_BUILD_FAILED',
        reason: /^the sources do not compile: src\/index\.ts\(1,14\): error TS2322/,
        advice: /Correct the lines shown/,
        output: /TS2322/,
      });
    });

    it('TypeScript finds what is never used, and the program ends', async () => {
      await peer.failure(await typescript("export {};\nconst unused = 1;\nthrow new Error('compiled all the same');\n"), {
        code: 'CHAINCODE_LAUNCH_FAILED',
        exitCode: 1,
        reason: 'the chaincode ended before it registered with the peer',
        advice: /last output/,
        output: /compiled all the same/,
      });
    });

    it('an install script fails', () =>
      peer.failure(program('', { scripts: { start: 'node .', install: 'echo this does not go well >&2; exit 9' } }), {
        code: 'CHAINCODE_BUILD_FAILED',
        exitCode: 9,
        reason: /^an install script failed: echo this does not go well/,
        advice: /Run npm install/,
        output: /^this does not go well$/m,
      }));

    it('an install script is killed, as for its memory', () =>
      peer.failure(program('', { scripts: { start: 'node .', install: 'kill -9 $PPID; sleep 5' } }), {
        code: 'CHAINCODE_BUILD_FAILED',
        reason: 'the build was killed from outside, as the kernel does when memory runs out',
        advice: /dmesg/,
      }));

    it('the disk was full, whatever else failed for that', () => {
      const install = 'echo "npm error code ECONNREFUSED" >&2; head -c 100 /dev/zero > /dev/full';
      return peer.failure(program('', { scripts: { start: 'node .', install } }), {
        code: 'DISK_FULL',
        reason: 'the disk is full',
        advice: /Make room in the folders of the peer, of npm/,
        output: /No space left on device/,
      });
    });
  });

  describe('that is no program, because', () => {
    it('it has no start script', () =>
      peer.refusal({ 'package.json': '{"name":"cc","version":"1.0.0"}' }, /has no start script[\s\S]*Add "scripts": \{ "start":/));

    it('its start script runs something that is not there', () =>
      peer.failure(script('fabric-chaincode-node start'), {
        ...EXIT,
        exitCode: 127,
        reason: 'the start script runs a program that is not there: fabric-chaincode-node',
        advice: /"dependencies"/,
        output: /not found/,
      }));

    it('its start script runs a file that may not be run', () =>
      peer.failure(script('./start.sh', { 'start.sh': 'exit 0' }), {
        ...EXIT,
        exitCode: 126,
        reason: /^the start script runs a file that is not executable: /,
        advice: /interpreter/,
        output: /Permission denied/,
      }));

    it('it has a syntax error', () =>
      peer.failure(program('const broken = ;'), {
        ...EXIT,
        exitCode: 1,
        reason: "the sources have an error: index.js:1: SyntaxError: Unexpected token ';'",
        advice: /Correct that line/,
        output: /const broken = ;/,
      }));

    it('it needs a module that it does not list', () =>
      peer.failure(program("require('fabric-shim')"), {
        ...EXIT,
        exitCode: 1,
        reason: 'a module is missing: fabric-shim',
        advice: /"dependencies"/,
        output: /MODULE_NOT_FOUND/,
      }));

    it('its TypeScript was not compiled, which the contract shim tells before a page of other lines', async () => {
      const manifest = JSON.parse(String((await sample(''))['package.json']));
      const started = { ...manifest, main: 'dist/index.js', scripts: { start: 'fabric-chaincode-node start' } };
      const told = await peer.failure(
        { ...(await sample('')), 'package.json': JSON.stringify(started), 'src/index.ts': 'export const contracts: unknown[] = [];' },
        {
          ...EXIT,
          exitCode: 1,
          reason: 'a module is missing: dist/index.js',
          advice: /compile before packaging/,
          output: /^Error: Cannot find module '\.\/dist\/index\.js'$/m,
        },
      );
      expect(told).not.toContain('/instances/');
    });

    it('it needs a file that is not there, which it says before it says much else', () =>
      peer.failure(
        program(`
          try { require('./lib/rules') } catch (error) { console.log(error.message); }
          for (let at = 0; at < 60; at += 1) console.log('cleaning up ' + at);
          process.exit(3);`),
        { ...EXIT, exitCode: 3, reason: 'a module is missing: ./lib/rules', advice: /It is a file/, output: /cleaning up 59/ },
      ));

    it('its module system is another than its package says', () =>
      peer.failure(program("const fs = require('node:fs');", { type: 'module' }), {
        ...EXIT,
        exitCode: 1,
        reason: /^the sources mix CommonJS and ES modules/,
        advice: /"type" in package\.json/,
        output: /ES module scope/,
      }));

    it('its native module is for another kind of machine', async () => {
      await peer.failure(
        { ...program("require('./addon.node');"), 'addon.node': await forAnotherMachine(process.execPath) },
        {
          ...EXIT,
          exitCode: 1,
          reason: /^a native module was built for another Node or another kind of machine|^the program is built for another kind/,
          advice: /same kind of machine|machine that runs it/,
          output: /addon\.node/,
        },
      );
    });

    it('it runs a program for another kind of machine', async () => {
      await peer.failure(
        script('cp program "$HOME/program"; chmod +x "$HOME/program"; "$HOME/program"', { program: await forAnotherMachine('/bin/true') }),
        {
          ...EXIT,
          exitCode: 126,
          reason: 'the program is built for another kind of machine',
          advice: /machine that runs it/,
          output: /Exec format error/i,
        },
      );
    });
  });

  describe('that ends before it registers', () => {
    it('with a code', () =>
      peer.failure(program("for (let at = 1; at < 30; at += 1) console.log('line', at); process.exit(3);"), {
        ...EXIT,
        exitCode: 3,
        reason: 'the chaincode ended before it registered with the peer',
        advice: /by hand/,
        output: /^line 10\n[\s\S]*line 29$/,
      }));

    it('because it was done', () =>
      peer.failure(program("console.log('nothing to do here');"), {
        ...EXIT,
        exitCode: 0,
        reason: 'the chaincode did all it had to do and ended, without registering with the peer',
        advice: /has to call the shim/,
        output: /^nothing to do here$/,
      }));

    it('by an exception', () =>
      peer.failure(program("throw new TypeError('this is not what I wanted');"), {
        ...EXIT,
        exitCode: 1,
        reason: 'the chaincode failed while it started: TypeError: this is not what I wanted',
        advice: /trace/,
        output: /index\.js:1/,
      }));

    it.each([
      ['SIGKILL', 137, /^the chaincode was killed from outside, as the kernel does when memory runs out$/, /dmesg/],
      ['SIGSEGV', 139, /^the chaincode, or a native module of it, crashed$/, /build it where it runs/],
      ['SIGILL', 132, /^the program uses instructions that this processor does not have$/, /machine that runs it/],
    ] as const)('by %s', async (signal, exitCode, reason, advice) => {
      const told = await peer.failure(program(`process.kill(process.pid, '${signal}'); setInterval(() => {}, 1e6);`), {
        ...EXIT,
        exitCode,
        reason,
        advice,
      });
      expect(told).toContain(`container exited with ${exitCode} (${signal})`);
    });

    it('because its heap is full', () =>
      peer.failure(
        script('node --max-old-space-size=20 index.js', { 'index.js': 'const all = []; for (;;) all.push(new Array(1e4).fill(1));' }),
        {
          ...EXIT,
          exitCode: 134,
          reason: 'the chaincode ran out of memory',
          advice: /selvage\.process\.memory/,
          output: /heap out of memory/,
        },
      ));

    it('because the disk is full', () =>
      peer.failure(program("require('node:fs').writeFileSync('/dev/full', 'x');"), {
        ...EXIT,
        exitCode: 1,
        reason: 'the disk is full',
        advice: /where the chaincode writes/,
        output: /ENOSPC/,
      }));
  });

  describe('that the peer does not let in, because', () => {
    const authority = CertificateAuthority.create({ commonName: 'another-ca', organization: 'elsewhere' }, systemClock.now());

    it('it registers under another name', async () => {
      await peer.failure(await sample("process.env.CORE_CHAINCODE_ID_NAME = 'other:1';"), {
        ...EXIT,
        reason: /^it registered as other:1 instead of failing\d+:1$/,
        advice: /CORE_CHAINCODE_ID_NAME/,
        output: /other:1/,
      });
    });

    it('it trusts another certificate authority', async () => {
      const files = { 'ca.pem': (await authority).own.certificate };
      await peer.failure(await dialling("process.env.CORE_PEER_TLS_ROOTCERT_FILE = './ca.pem';", files), {
        ...EXIT,
        reason: 'TLS mismatch: the chaincode does not trust the certificate authority of the peer',
        advice: /CORE_PEER_TLS_ROOTCERT_FILE/,
        output: /certificate/,
      });
    });

    it('it shows another client certificate', async () => {
      const { certificate, privateKey } = await (await authority).tls({ commonName: 'chaincode', hosts: [] });
      const files = { 'cert.txt': base64(certificate), 'key.txt': base64(privateKey) };
      const before = "process.env.CORE_TLS_CLIENT_CERT_PATH = './cert.txt'; process.env.CORE_TLS_CLIENT_KEY_PATH = './key.txt';";
      await peer.failure(await dialling(before, files), {
        ...EXIT,
        reason: /^the chaincode found no way to the peer, or they do not agree on TLS$|^TLS mismatch/,
        advice: /CORE_TLS_CLIENT_KEY_FILE/,
        output: /UNAVAILABLE/,
      });
    });

    it('it speaks no TLS', async () => {
      await peer.failure(await dialling("process.env.CORE_PEER_TLS_ENABLED = 'false';"), {
        ...EXIT,
        reason: /^the chaincode found no way to the peer, or they do not agree on TLS$|^TLS mismatch/,
        advice: /CORE_PEER_TLS_ENABLED/,
        output: /UNAVAILABLE/,
      });
    });

    it('it dials somewhere else', async () => {
      await peer.failure(await dialling("process.argv.splice(2, 9, '--peer.address', '127.0.0.1:1');"), {
        ...EXIT,
        reason: /^the chaincode does not reach the peer$/,
        advice: /CORE_PEER_ADDRESS/,
        output: /ECONNREFUSED/,
      });
    });
  });
});

describe.skipIf(process.platform !== 'linux')('the certificate of a launch that failed', () => {
  it('is worth nothing any more', async () => {
    await using peer = await failingPeer({ settings: () => ({ selvage: { logchaincodeoutput: true } }) });
    const [own] = peer.running.network.plan.peers;
    const show = ['CERT', 'KEY'].map((what) => `process.env.CORE_TLS_CLIENT_${what}_PATH`);
    const print = `for (const file of [${show}, process.env.CORE_PEER_TLS_ROOTCERT_FILE]) console.log(require('node:fs').readFileSync(file).toString('base64'));`;
    await peer.failure(program(`${print}\nprocess.exit(3);`), {
      ...EXIT,
      exitCode: 3,
      reason: 'the chaincode ended before it registered with the peer',
      advice: /by hand/,
    });
    const [cert = '', key = '', roots = ''] = peer.log.flatMap(({ line }) =>
      typeof line === 'string' ? [Buffer.from(line, 'base64').toString()] : [],
    );
    const pem = (text: string): string => Buffer.from(text, 'base64').toString();
    const tls = { roots, cert: pem(cert), key: pem(key) };
    using stolen = new RawChaincode({ address: `127.0.0.1:${own?.chaincodePort}`, tls }, () => undefined);
    await expect(stolen.register('failing1:1')).rejects.toThrow('not found in registry');
  });
});

describe.skipIf(process.platform !== 'linux')('Node chaincode as a process, with little time to register', () => {
  let peer: FailingPeer;
  beforeAll(async () => {
    peer = await failingPeer({ settings: () => ({ chaincode: { startuptimeout: '10s' } }) });
  });
  afterAll(() => peer?.[Symbol.asyncDispose]());

  it.each([
    ['does nothing', 'echo hello; exec sleep 1000'],
    ['listens, and does not dial', `echo hello; exec node -e 'require("net").createServer().listen(0, "127.0.0.1")'`],
  ])('that %s', async (_, start) => {
    await peer.failure(script(`${start} #`), {
      code: 'DEADLINE_EXCEEDED',
      reason: 'the chaincode was started and did not register with the peer within 10 s',
      advice: /has to call the shim .* CORE_PEER_ADDRESS.*ccaas.*chaincode\.startuptimeout/,
      output: /^hello$/m,
    });
  });

  it('that tries to connect for ever', async () => {
    await peer.failure(script('echo "Last error: connect ECONNREFUSED 127.0.0.1:1"; exec sleep 1000 #'), {
      code: 'DEADLINE_EXCEEDED',
      reason: 'the chaincode does not reach the peer',
      advice: /CORE_PEER_ADDRESS/,
      output: /ECONNREFUSED/,
    });
  });
});

describe.skipIf(process.platform !== 'linux')('Node chaincode as a process, on a machine', () => {
  const runtimeWith = (path: readonly (readonly [string, string])[]) => async (directory: string) => {
    const bin = join(directory, 'bin');
    await mkdir(bin, { recursive: true });
    for (const [name, target] of path) await symlink(await realpath(target), join(bin, name));
    const host = { ...process.env, PATH: bin, npm_config_cache: join(directory, 'npm'), npm_config_registry: NOBODY };
    const nodePath = join(bin, 'node');
    return new ProcessRuntime({ directory, platforms: allPlatforms({ host, nodePath }), host, nodePath, sandbox: 'off' });
  };
  const shell = [
    ['node', process.execPath],
    ['sh', '/bin/sh'],
  ] as const;

  it('without a compiler for its native module', () =>
    failingLaunch(
      {
        runtime: runtimeWith(shell),
        files: { ...program(''), 'binding.gyp': '{"targets":[{"target_name":"x","sources":["x.c"]}]}' },
      },
      {
        ...BUILD,
        reason: 'a native module needs a compiler, make and Python, and one of them is not there',
        advice: /Install a C\+\+ compiler, make and Python/,
        output: /gyp/,
      },
    ));

  it('with little memory for it', () => {
    const host = process.env;
    const limits = { memoryBytes: 200 * 1024 * 1024 };
    return failingLaunch(
      {
        runtime: (directory) => new ProcessRuntime({ directory, platforms: allPlatforms({ host }), host, limits }),
        files: program('const all = []; setInterval(() => all.push(Buffer.alloc(32 * 1024 * 1024, 1)), 1);'),
      },
      { ...EXIT, reason: 'the chaincode ran out of memory', advice: /selvage\.process\.memory/, output: /memory|alloc/i },
    );
  });

  it('that takes too long to build at its first call', () =>
    failingLaunch(
      {
        runtime: runtimeWith([...shell, ['sleep', '/bin/sleep']]),
        files: program('', { scripts: { start: 'node .', install: 'sleep 1000' } }),
        parts: { startupTimeoutMs: 5_000 },
      },
      { code: 'DEADLINE_EXCEEDED', reason: 'it was not built and started within 5 s', advice: /chaincode\.startuptimeout/ },
    ));

  it('without the TypeScript compiler, which is a development dependency', () =>
    failingLaunch(
      { runtime: runtimeWith(shell), files: program('', { scripts: { start: 'node .', postinstall: 'tsc' } }) },
      {
        code: 'CHAINCODE_BUILD_FAILED',
        exitCode: 127,
        reason: 'the TypeScript compiler is not installed',
        advice: /"dependencies"/,
        output: /tsc: .*not found/,
      },
    ));
});

/** What a lock file says of one dependency. */
const lockedIn = (lock: unknown, name: string): unknown =>
  typeof lock === 'object' && lock !== null && 'packages' in lock ? new Map(Object.entries(Object(lock.packages))).get(name) : undefined;

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A program of this machine that says of itself that it is for another one. */
async function forAnotherMachine(file: string): Promise<Uint8Array> {
  const program = (await readFile(await realpath(file))).subarray(0, 100_000);
  program.writeUInt16LE(process.arch === 'arm64' ? 0x3e : 0xb7, 18); // e_machine of x86-64 and AArch64
  return program;
}
