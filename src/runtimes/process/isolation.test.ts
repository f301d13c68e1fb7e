import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyProgram } from '../../../test/program-file.ts';
import { Listener } from '../../chaincode/ports/runtime.contract.ts';
import { packFolder } from '../../packages/archive/pack.ts';
import { NodePlatform } from '../../packages/platforms/node/node-platform.ts';
import { buildReach } from './build-reach.ts';
import { findControlGroups } from './control-groups.ts';
import { findIsolation, type ResourceLimits, type SandboxChoice } from './isolation.ts';
import { forgetWrites } from './private-caches.ts';
import { ProcessRuntime, type ProcessRuntimeParts } from './process-runtime.ts';

const never = new AbortController().signal;
const host = process.env;
const linux = process.platform === 'linux';
const found = linux ? (await findIsolation({ host, limits: { openFiles: 64 }, sandbox: 'auto' })).active : {};
const limited = found['limits']?.startsWith('none') === false;
const privileges = found['newPrivileges'] === 'refused';
const sandboxed = found['sandbox']?.startsWith('bwrap') === true;
const groups = linux ? (await findControlGroups({ processes: 40 })).active.processes : 'only on Linux';
const grouped = groups.startsWith('40');
const here = (name: string, is: boolean, otherwise: string | undefined): string =>
  is ? name : `${name} (skipped: ${otherwise ?? 'only on Linux'})`;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'selvage-isolation-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

interface Run {
  readonly script: string;
  readonly limits?: ResourceLimits;
  readonly sandbox?: SandboxChoice;
  readonly env?: Readonly<Record<string, string>>;
  readonly parts?: Partial<ProcessRuntimeParts>;
}

async function launched({ script, limits, sandbox = 'off', env = {}, parts = {} }: Run) {
  const sources = await mkdtemp(join(directory, 'sources-'));
  await writeFile(join(sources, 'package.json'), JSON.stringify({ name: 'cc', scripts: { start: 'node index.js' } }));
  await writeFile(join(sources, 'index.js'), script);
  const codePackage = await packFolder(sources, { skip: () => false });
  const runtime = new ProcessRuntime({
    directory: join(directory, 'runtime'),
    platforms: [new NodePlatform({ nodePath: parts.nodePath ?? process.execPath })],
    host,
    sandbox,
    graceMs: 5_000,
    ...(limits && { limits }),
    ...parts,
  });
  const spec = {
    ccid: 'cc:1',
    name: 'cc',
    version: '1',
    platform: 'node' as const,
    codePackage,
    path: '',
    peerAddress: '127.0.0.1:1',
    env,
  };
  const instance = await runtime.launch(spec, { signal: never });
  return { instance, [Symbol.asyncDispose]: () => runtime[Symbol.asyncDispose]() };
}

const output = async (run: Run): Promise<string> => {
  await using running = await launched(run);
  return (await running.instance.exited).lastOutput.join('\n');
};

describe('limits of a chaincode process', () => {
  it.skipIf(!limited)(here('cover memory and open files', limited, found['limits']), async () => {
    const script = `
      const fs = require('fs');
      const open = []; try { for (;;) open.push(fs.openSync('/dev/null')); } catch (e) { console.log(e.code); }
      for (const fd of open) fs.closeSync(fd);
      const held = []; try { for (;;) held.push(Buffer.alloc(32 << 20, 1)); } catch (e) { console.log(e.message, held.length < 40); }`;
    const said = await output({ script, limits: { openFiles: 64, memoryBytes: 512 << 20 } });
    expect(said).toContain('EMFILE');
    expect(said).toContain('allocation failed true');
  });

  it.skipIf(!privileges)(here('refuse new privileges', privileges, found['newPrivileges']), async () => {
    const script = "console.log(require('fs').readFileSync('/proc/self/status', 'utf8').match(/NoNewPrivs:\\s*(\\d)/)[1])";
    expect(await output({ script })).toBe('1');
  });

  it('are what the log says', async () => {
    const { active } = await findIsolation({ host: { PATH: directory }, limits: {}, sandbox: 'off' });
    expect(active['sandbox']).toBe(linux ? 'none: off' : 'none: only on Linux');
  });
});

describe('the sandbox of a chaincode process', () => {
  it.skipIf(sandboxed)(here('is refused where it is required and not there', !sandboxed, 'there is one'), async () => {
    await expect(launched({ script: '', sandbox: 'required' })).rejects.toThrow(
      'chaincode must run in a sandbox, and this machine has none',
    );
  });

  it.skipIf(!sandboxed)(
    here('shows no files but its own and the system’s, and lets it write only at home', sandboxed, found['sandbox']),
    async () => {
      const secret = join(directory, 'peer.key');
      await writeFile(secret, 'secret');
      const script = `
      const fs = require('fs'); const os = require('os');
      const tried = (name, work) => { try { work(); console.log(name + ' works'); } catch (e) { console.log(name + ' ' + e.code); } };
      tried('secret', () => fs.readFileSync('${secret}'));
      tried('home', () => fs.writeFileSync(os.homedir() + '/mine', 'x'));
      tried('temporary', () => fs.writeFileSync(os.tmpdir() + '/mine', 'x'));
      tried('code', () => fs.writeFileSync('index.js', 'x'));
      tried('system', () => fs.writeFileSync('/usr/mine', 'x'));
      console.log('pids ' + fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).length);`;
      const said = await output({ script, sandbox: 'required' });
      expect(said).toMatch(/^secret ENOENT\nhome works\ntemporary works\ncode EROFS\nsystem EROFS\npids [1-9]$/);
    },
  );

  it.skipIf(!sandboxed)(
    here('reaches the network, is asked to stop, and takes everything with it', sandboxed, found['sandbox']),
    async () => {
      await using listener = await Listener.open();
      const [name, port] = listener.address.split(':');
      const script = `
      const say = (text, then) => { const s = require('net').connect(${port}, '${name}', () => s.end(text + '\\n', then)); };
      require('child_process').spawn('sleep', ['1000'], { detached: true });
      process.on('SIGTERM', () => say('asked to stop', () => process.exit(0)));
      setInterval(() => {}, 1e6);
      say('up');`;
      const mark = `SELVAGE_ISOLATION_TEST=${directory}`;
      await using running = await launched({ script, sandbox: 'required', env: { SELVAGE_ISOLATION_TEST: directory } });
      await listener.line('up');
      expect(await processesWith(mark)).not.toEqual([]);
      await running.instance[Symbol.asyncDispose]();
      expect(listener.lines).toContain('asked to stop');
      expect(await processesWith(mark)).toEqual([]);
    },
  );
});

describe('keys that lie', () => {
  /** Root may put a key anywhere; others skip the places that are not theirs. */
  const places = async (): Promise<Readonly<Record<string, string>>> => {
    const mark = directory.slice(directory.lastIndexOf('-') + 1);
    const wanted = {
      'in the home that Node lies in': join(directory, 'fabric', 'msp', 'keystore'),
      'beside Node itself': join(directory, 'fabric', 'bin'),
      'in its libraries': join(directory, 'fabric', 'lib'),
      'below /opt': `/opt/selvage-test-${mark}`,
      'below /usr/local': `/usr/local/selvage-test-${mark}/msp/keystore`,
      'with the keys of the system': `/etc/ssl/private/selvage-test-${mark}`,
      'in the data folder': join(directory, 'data', 'ledgers', 'pvtdata'),
      'in the build of another chaincode': join(directory, 'data', 'cache', 'builds', 'a'.repeat(64)),
      'in the instance of another chaincode': join(directory, 'data', 'cache', 'instances', 'other', 'tls'),
    };
    const made = await Promise.all(
      Object.entries(wanted).map(async ([where, folder]) => {
        try {
          await mkdir(folder, { recursive: true });
          await writeFile(join(folder, 'key.pem'), 'the secret');
          return [[where, join(folder, 'key.pem')] as const];
        } catch {
          return [];
        }
      }),
    );
    return Object.fromEntries(made.flat());
  };

  it.skipIf(!sandboxed)(here('anywhere are seen by no chaincode and no build', sandboxed, found['sandbox']), async () => {
    await mkdir(join(directory, 'fabric', 'bin'), { recursive: true });
    const nodePath = join(directory, 'fabric', 'bin', 'node');
    await copyProgram(process.execPath, nodePath);
    const keys = await places();
    const mark = directory.slice(directory.lastIndexOf('-') + 1);
    const look = `
      const fs = require('fs');
      for (const [where, file] of Object.entries(${JSON.stringify(keys)})) {
        let found; try { found = fs.readFileSync(file, 'utf8'); } catch (e) { found = e.code; }
        console.log(where + ': ' + (found === '' ? 'empty' : found));
      }
      console.log('runs ' + process.execPath);`;
    try {
      const cache = join(directory, 'data', 'cache');
      const hidden = [join(directory, 'data'), `/usr/local/selvage-test-${mark}/msp`];
      const parts = { nodePath, hidden, directory: cache };
      const said = await output({ script: look, sandbox: 'required', parts });
      expect(said).toContain(`runs ${nodePath}`);
      expect(said).not.toContain('the secret');
      for (const where of Object.keys(keys)) expect(said).toMatch(new RegExp(`^${where}: (ENOENT|empty|EACCES)$`, 'm'));

      const isolation = await findIsolation({ host, limits: {}, sandbox: 'required', hidden, buildFolder: join(cache, 'unfinished') });
      const folder = await mkdtemp(join(directory, 'build-'));
      const command = { file: nodePath, args: ['-e', look], env: {} };
      const env = { HOME: join(directory, 'fabric'), PATH: `${join(directory, 'fabric', 'bin')}:/usr/bin:/bin` };
      const { file, args } = await isolation.confine(command, await buildReach(command, { platform: 'node', env, folder }));
      const { stdout } = await promisify(execFile)(file, args, { env });
      expect(stdout).toContain(`runs ${nodePath}`);
      expect(stdout).not.toContain('the secret');
      await forgetWrites(folder);
    } finally {
      for (const place of [`/opt/selvage-test-${mark}`, `/usr/local/selvage-test-${mark}`, `/etc/ssl/private/selvage-test-${mark}`])
        await rm(place, { recursive: true, force: true });
    }
  });
});

describe('what a chaincode process starts', () => {
  it.skipIf(!grouped)(here('is limited in number', grouped, groups), async () => {
    const script = `
      const { spawn } = require('child_process');
      let refused = 0;
      let started = 0;
      for (let at = 0; at < 200; at += 1)
        spawn('sleep', ['100'], { stdio: 'ignore' }).on('error', () => (refused += 1)).on('spawn', () => (started += 1));
      setTimeout(() => { console.log(started < 60 && refused > 140 ? 'limited' : started + ' started'); process.exit(0); }, 1000);`;
    expect(await output({ script, limits: { processes: 60 } })).toContain('limited');
  });

  /** Leaves its group, its session and its environment. */
  const ESCAPE = `require('child_process').spawn('/usr/bin/setsid', ['/usr/bin/env', '-i', '/bin/sleep', '7777'], { detached: true, stdio: 'ignore' }).unref();`;

  for (const [where, sandbox, possible, otherwise] of [
    ['in a sandbox', 'required', sandboxed, found['sandbox']],
    ['in a control group', 'off', grouped, groups],
  ] as const)
    it.skipIf(!possible)(here(`dies with it ${where}, also when it has left group and environment`, possible, otherwise), async () => {
      await using listener = await Listener.open();
      const [name, port] = listener.address.split(':');
      const seconds = String(70_000 + Math.floor(Math.random() * 9_999)); // found again by its command alone
      const script = `${ESCAPE.replace('7777', seconds)}
      require('net').connect(${port}, '${name}', function () { this.write('up\\n'); }); setInterval(() => {}, 1e6);`;
      await using running = await launched({ script, sandbox, limits: { processes: 60 } });
      await listener.line('up');
      await expect.poll(() => sleeping(seconds)).toBe(true);
      await running.instance[Symbol.asyncDispose]();
      expect(await sleeping(seconds)).toBe(false);
    });
});

describe('the environment of a chaincode process', () => {
  it('has the proxies of the peer without their credentials', async () => {
    const parts = {
      host: { ...host, https_proxy: 'http://peer:s3cret@proxy:3128', HTTP_PROXY: 'peer:s3cret@proxy:3128', no_proxy: 'localhost' },
    };
    const said = await output({ script: 'console.log(JSON.stringify(process.env))', parts });
    expect(JSON.parse(said)).toMatchObject({ https_proxy: 'http://proxy:3128', HTTP_PROXY: 'proxy:3128', no_proxy: 'localhost' });
    expect(said).not.toContain('s3cret');
  });
});

/** Whether a `sleep` of so many seconds runs, whoever started it. */
async function sleeping(seconds: string): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')));
  return commands.includes(`/bin/sleep\0${seconds}\0`);
}

/** Ids of the processes that have a variable in their environment. */
async function processesWith(variable: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const marked = await Promise.all(
    pids.map(async (pid) => (await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')).includes(variable)),
  );
  return pids.filter((_, at) => marked[at]);
}
