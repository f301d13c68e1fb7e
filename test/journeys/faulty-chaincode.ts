/** Chaincode that goes wrong on command, on the real shim, and what it could leave behind. */
import { cp, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chaincodeCache, repository } from './network.ts';

const PROGRAM = `
const { spawn } = require('node:child_process');
const { readFileSync } = require('node:fs');
const shim = require('fabric-shim');

const commands = {
  tree: () => process.env.SELVAGE_PROCESS_TREE,
  put: async (stub, key, value) => (await stub.putState(key, Buffer.from(value)), ''),
  get: async (stub, key) => stub.getState(key),
  fileOf: (stub, variable) => readFileSync(process.env[variable]),
  async exit(stub, code) {
    await stub.putState('before', Buffer.from('the end'));
    console.log('the last words of the chaincode');
    process.exit(Number(code));
  },
  reject() {
    setImmediate(() => Promise.reject(new Error('nobody catches this')));
    return new Promise(() => undefined);
  },
  hang() {
    process.title = 'hanging';
    for (;;);
  },
  wait: () => new Promise(() => undefined),
  kill() {
    console.log('killing myself');
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  },
  orphan() {
    console.log('leaving a child behind');
    spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }).unref();
    process.exit(5);
  },
  flood(stub, megabytes) {
    const line = 'all work and no play '.repeat(5);
    for (let left = Number(megabytes) * 1e6; left > 0; left -= line.length) console.log(line);
    return 'flooded';
  },
  twin: () =>
    new Promise((resolve) => {
      const twin = spawn(process.execPath, process.argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
      let said = '';
      for (const output of [twin.stdout, twin.stderr]) output.on('data', (chunk) => (said += chunk));
      twin.on('close', (code) => resolve(JSON.stringify({ code, said })));
    }),
};

shim.start({
  Init: async () => shim.success(),
  async Invoke(stub) {
    const { fcn, params } = stub.getFunctionAndParameters();
    if (!Object.hasOwn(commands, fcn)) return shim.error('unknown function ' + fcn);
    try {
      return shim.success(Buffer.from(await commands[fcn](stub, ...params)));
    } catch (error) {
      return shim.error(error.message);
    }
  },
});
`;

/** Writes a chaincode whose dependencies are those of the sample, so that they are installed already. @returns its folder */
export async function chaincodeFolder(parent: string, name: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = join(parent, name);
  await mkdir(folder);
  for (const file of ['package.json', 'package-lock.json']) await cp(join(repository, 'chaincodes/kv-node', file), join(folder, file));
  for (const [file, content] of Object.entries({ 'index.js': PROGRAM, ...files })) await writeFile(join(folder, file), content);
  return folder;
}

/** A cache that shares installed dependencies with all other tests, but not its instances and unfinished builds. */
export async function privateCache(folder: string, name = 'cache'): Promise<string> {
  const cache = join(folder, name);
  await mkdir(cache);
  await mkdir(join(chaincodeCache, 'builds'), { recursive: true });
  await symlink(join(chaincodeCache, 'builds'), join(cache, 'builds'));
  return cache;
}

/** Folders of running or unfinished work in a cache. */
export async function scratchIn(cache: string): Promise<readonly string[]> {
  const found = await Promise.all(['instances', 'unfinished'].map((name) => readdir(join(cache, name)).catch(() => [])));
  return found.flat();
}

/** A running process, as the system knows it: chaincode itself may see another id, in a sandbox. */
export interface FoundProcess {
  readonly pid: number;
  /** Of all processes that one launch started. */
  readonly tree: string;
  readonly title: string;
}

/** Processes that work in a folder, or did until it was removed. */
export async function processesIn(folder: string): Promise<readonly FoundProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => processIn(folder, pid).catch(() => undefined))); // it ended meanwhile
  return found.filter((process) => process !== undefined);
}

async function processIn(folder: string, pid: string): Promise<FoundProcess | undefined> {
  if (!(await readlink(`/proc/${pid}/cwd`)).startsWith(folder)) return undefined;
  const environment = (await readFile(`/proc/${pid}/environ`, 'latin1')).split('\0');
  const tree = environment.find((entry) => entry.startsWith('SELVAGE_PROCESS_TREE='))?.split('=')[1] ?? '';
  return { pid: Number(pid), tree, title: await readFile(`/proc/${pid}/cmdline`, 'latin1') };
}

/** Which launches have processes in a folder. */
export const treesIn = async (folder: string): Promise<readonly string[]> => [
  ...new Set((await processesIn(folder)).map(({ tree }) => tree)),
];
