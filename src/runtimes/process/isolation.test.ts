import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Listener } from '../../chaincode/ports/runtime.contract.ts';
import { packFolder } from '../../packages/archive/pack.ts';
import { NodePlatform } from '../../packages/platforms/node/node-platform.ts';
import { findIsolation, type ResourceLimits, type SandboxChoice } from './isolation.ts';
import { ProcessRuntime } from './process-runtime.ts';

const never = new AbortController().signal;
const host = process.env;
const linux = process.platform === 'linux';
const found = linux ? (await findIsolation({ host, limits: { openFiles: 64 }, sandbox: 'auto' })).active : {};
const limited = found['limits']?.startsWith('none') === false;
const privileges = found['newPrivileges'] === 'refused';
const sandboxed = found['sandbox']?.startsWith('bwrap') === true;
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
}

async function launched({ script, limits, sandbox = 'off', env = {} }: Run) {
  const sources = await mkdtemp(join(directory, 'sources-'));
  await writeFile(join(sources, 'package.json'), JSON.stringify({ name: 'cc', scripts: { start: 'node index.js' } }));
  await writeFile(join(sources, 'index.js'), script);
  const codePackage = await packFolder(sources, { skip: () => false });
  const runtime = new ProcessRuntime({
    directory: join(directory, 'runtime'),
    platforms: [new NodePlatform()],
    host,
    sandbox,
    graceMs: 5_000,
    ...(limits && { limits }),
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
  it('is refused where it is required and not there', async () => {
    if (sandboxed) return;
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

/** Ids of the processes that have a variable in their environment. */
async function processesWith(variable: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const marked = await Promise.all(
    pids.map(async (pid) => (await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')).includes(variable)),
  );
  return pids.filter((_, at) => marked[at]);
}
