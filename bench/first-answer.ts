import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluate } from '../src/client/submit.ts';
import { silent } from '../src/common/log.ts';
import { unmeasured } from '../src/common/metrics.ts';
import { Scope } from '../src/common/scope.ts';
import { connectClients, type DevClients, joinAll } from '../src/node/dev/dev-clients.ts';
import { deployChaincode } from '../src/node/dev/dev-deploy.ts';
import { startDevNetwork } from '../src/node/dev/dev-network.ts';

/** A way to run chaincode. */
export interface RunningWay {
  readonly name: string;
  /** Whatever has to be there before a package is handed to the peer. The scope owns it. */
  prepare(sample: UnseenSample, scope: Scope): Promise<Prepared>;
}

export interface UnseenSample {
  readonly original: string;
  /** A copy that no peer and no engine has built yet. */
  readonly folder: string;
}

export interface Prepared {
  /** Of the peer. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What to deploy under a name. */
  source(name: string): { readonly folder: string } | { readonly packageFile: string };
}

/** Milliseconds from handing a package to the peer (install, approve, commit) until the chaincode's first answer to a client. */
export interface FirstAnswer {
  /** Nothing of this package was built before; compilers and package managers have their own caches as they are on this machine. */
  readonly cold: number;
  /** The same package under another name: it is built, its image is there. */
  readonly warm: number;
}

/** Each way is asked to run its sample under these. */
export const NAMES = ['first', 'second'] as const;

const never = { signal: new AbortController().signal };

/** Deploys a sample twice on a network of its own, whose peer has built nothing yet. */
export async function firstAnswer(sample: string, way: RunningWay): Promise<FirstAnswer> {
  await using scope = new Scope();
  const folder = await mkdtemp(join(tmpdir(), 'selvage-bench-'));
  scope.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const sources = await unseenCopy(sample, join(folder, 'sources'));
  const { settings, source } = await way.prepare({ original: sample, folder: sources }, scope);
  const wanted = { channel: 'mychannel', orgs: 1, tls: true, portBase: 0, block: 'instant', lifecycle: 2 } as const;
  const parts = { log: silent, metrics: unmeasured, cacheFolder: join(folder, 'cache'), settings, ...never };
  const network = scope.use(await startDevNetwork(join(folder, 'network'), wanted, parts));
  const clients = scope.use(await connectClients(network.folders, network.plan));
  await joinAll(clients, network.folders, never);
  const [cold, warm] = [await deployAndAsk(clients, NAMES[0], source), await deployAndAsk(clients, NAMES[1], source)];
  return { cold, warm };
}

async function deployAndAsk(clients: DevClients, name: string, source: Prepared['source']): Promise<number> {
  const [admin = clients.user] = clients.admins;
  const begun = performance.now();
  await deployChaincode(clients, { name, ...source(name), init: [] }, never);
  await evaluate(admin.peer, clients.user.signer, { channelId: clients.channel, chaincode: name, args: ['noop'] }, never);
  return performance.now() - begun;
}

/** How a text gets into a file that decides what is built, without changing what the file means. */
const MARKED: Readonly<Record<string, (content: string, mark: string) => string>> = {
  'package.json': (content, mark) => JSON.stringify({ ...JSON.parse(content), description: mark }, null, 2),
  'main.go': (content, mark) => `${content}\n// ${mark}\n`,
  'pom.xml': (content, mark) => `${content}\n<!-- ${mark} -->\n`,
};

/** The sample with something in it that no peer and no engine has built yet. */
async function unseenCopy(sample: string, target: string): Promise<string> {
  await cp(sample, target, { recursive: true, filter: (path) => !/[/\\](node_modules|target|dist)$/.test(path) });
  for (const [name, marked] of Object.entries(MARKED)) {
    const file = join(target, name);
    const content = await readFile(file, 'utf8').catch(() => undefined);
    if (content !== undefined) await writeFile(file, marked(content, `measured at ${Date.now()} by ${process.pid}`));
  }
  return target;
}
