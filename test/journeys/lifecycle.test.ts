import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  approvedDefinition,
  approveProposal,
  commitProposal,
  commitReadiness,
  committedDefinition,
  type DefinitionSpec,
  installedPackages,
  installPackage,
} from '../../src/client/lifecycle-calls.ts';
import { evaluate, submit } from '../../src/client/submit.ts';
import { hex, textOf } from '../../src/common/bytes.ts';
import { deferred } from '../../src/common/deferred.ts';
import { type LogFields, type Logger, silent } from '../../src/common/log.ts';
import { unmeasured } from '../../src/common/metrics.ts';
import { Scope } from '../../src/common/scope.ts';
import { parsePolicyText } from '../../src/msp/policies/policy-text.ts';
import { connectClients, type DevClients, joinAll } from '../../src/node/dev/dev-clients.ts';
import { type DevNetwork, startDevNetwork } from '../../src/node/dev/dev-network.ts';
import { buildLifecyclePackage, packageIdOf } from '../../src/packages/lifecycle-package.ts';
import { packSources } from '../../src/packages/platforms/platforms.ts';
import { common, protos } from '../../src/protos/messages.ts';
import { chaincodeCache, never, repository } from './network.ts';

const CHANNEL = 'mychannel';
const signal = { signal: never };
const policy = (text: string) => common.SignaturePolicyEnvelope.decode(common.SignaturePolicyEnvelope.encode(parsePolicyText(text)));

/** Hears which chaincode becomes ready at which peer. */
class ReadyChaincode {
  readonly #heard = new Map<string, ReturnType<typeof deferred<void>>>();

  /** Resolves when the peer of an organisation has the package running. */
  at(org: 1 | 2, packageId: string): Promise<void> {
    return this.#event(`peer0.org${org}.example.com ${packageId}`).promise;
  }

  logger(bound: LogFields = {}): Logger {
    const info = (message: string, fields: LogFields = {}): void => {
      if (message === 'chaincode ready') this.#event(`${bound['peer']} ${fields['ccid']}`).resolve();
    };
    return { ...silent, info, child: (fields) => this.logger({ ...bound, ...fields }) };
  }

  #event(name: string): ReturnType<typeof deferred<void>> {
    const event = this.#heard.get(name) ?? deferred<void>();
    this.#heard.set(name, event);
    return event;
  }
}

/** Two organisations agree on a chaincode, change what they agreed on, and run other packages for it; their peers stop in between. */
describe('the 2.x lifecycle between two organisations', () => {
  let folder: string;
  let running: Scope;
  let network: DevNetwork;
  let clients: DevClients;
  let started: ReadyChaincode;
  /** The sample, and the same with one operation more. */
  let packages: readonly [Uint8Array, Uint8Array];
  let ids: readonly [string, string];

  async function start(): Promise<void> {
    running = new Scope();
    started = new ReadyChaincode();
    const options = { channel: CHANNEL, orgs: 2, tls: true, portBase: 0, block: 'instant', lifecycle: 2 } as const;
    const parts = { log: started.logger(), metrics: unmeasured, cacheFolder: chaincodeCache, settings: undefined, signal: never };
    network = running.use(await startDevNetwork(join(folder, 'network'), options, parts));
    clients = running.use(await connectClients(network.folders, network.plan));
    await joinAll(clients, network.folders, signal);
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-lifecycle-journey-'));
    const changed = join(folder, 'changed');
    await cp(join(repository, 'chaincodes', 'kv-node'), changed, { recursive: true, filter: (path) => !path.includes('node_modules') });
    const operations = join(changed, 'lib', 'operations.js');
    await writeFile(operations, `${await readFile(operations, 'utf8')}\nmodule.exports.build = async () => 'the second package';\n`);
    const packed = async (from: string, label: string): Promise<Uint8Array> =>
      buildLifecyclePackage({ label, type: 'node', path: '', codePackage: (await packSources(from)).codePackage });
    packages = [await packed(join(repository, 'chaincodes', 'kv-node'), 'kv_1'), await packed(changed, 'kv_2')];
    ids = [packageIdOf('kv_1', packages[0]), packageIdOf('kv_2', packages[1])];
    await start();
  });

  afterAll(async () => {
    await running?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const org = (number: 1 | 2) => {
    const admin = clients.admins[number - 1];
    if (admin === undefined) throw new Error(`no organisation ${number}`);
    return admin;
  };
  const peersOf = (...orgs: readonly (1 | 2)[]) => orgs.map((number) => org(number).peer);
  const bothPeers = () => peersOf(1, 2);

  const first: DefinitionSpec = { channelId: CHANNEL, name: 'kv', version: '1.0', sequence: 1n };
  const second: DefinitionSpec = {
    ...first,
    version: '2.0',
    sequence: 2n,
    initRequired: true,
    validationParameter: protos.ApplicationPolicy.encode({ signaturePolicy: policy("OR('Org1MSP.peer','Org2MSP.peer')") }),
    collections: {
      config: [
        {
          staticCollectionConfig: {
            name: 'ofOrg1',
            memberOrgsPolicy: { signaturePolicy: policy("OR('Org1MSP.member')") },
            maximumPeerCount: 0,
            memberOnlyRead: true,
          },
        },
      ],
    },
  };

  const approve = async (number: 1 | 2, definition: DefinitionSpec, packageId: string | undefined) => {
    const { signer, peer } = org(number);
    const parts = { signer, endorsers: [peer], orderer: clients.orderer, listeners: bothPeers() };
    return (await submit(parts, approveProposal(definition, packageId), signal)).commit?.codeName;
  };
  const commit = async (definition: DefinitionSpec, orgs: readonly (1 | 2)[] = [1, 2]) => {
    const parts = { signer: org(1).signer, endorsers: peersOf(...orgs), orderer: clients.orderer, listeners: bothPeers() };
    return (await submit(parts, commitProposal(definition), signal)).commit?.codeName;
  };
  const ready = async (number: 1 | 2, definition: DefinitionSpec) =>
    Object.fromEntries((await commitReadiness(org(number), definition, signal)).approvals);
  const invoke = async (orgs: readonly (1 | 2)[], args: readonly string[], isInit = false) => {
    const parts = { signer: clients.user.signer, endorsers: peersOf(...orgs), orderer: clients.orderer, listeners: bothPeers() };
    return (await submit(parts, { channelId: CHANNEL, chaincode: 'kv', args, isInit }, signal)).commit?.codeName;
  };
  const ask = async (number: 1 | 2, ...args: string[]) =>
    textOf((await evaluate(org(number).peer, clients.user.signer, { channelId: CHANNEL, chaincode: 'kv', args }, signal)).payload);

  it('begins with packages on every peer', async () => {
    for (const number of [1, 2] as const) {
      expect(await installPackage(org(number), packages[0], signal)).toEqual({ packageId: ids[0], label: 'kv_1' });
      await expect(installPackage(org(number), packages[0], signal)).rejects.toThrow(
        `failed to invoke backing implementation of 'InstallChaincode': chaincode already successfully installed (package ID '${ids[0]}')`,
      );
    }
    await expect(ask(1, 'get', 'a')).rejects.toThrow(
      'make sure the chaincode kv has been successfully defined on channel mychannel and try again: chaincode kv not found',
    );
  });

  it('needs the approval of both, each of its own peer', async () => {
    expect(await approve(1, first, ids[0])).toBe('VALID');
    for (const number of [1, 2] as const) expect(await ready(number, first)).toEqual({ Org1MSP: true, Org2MSP: false });
    await expect(commit(first)).rejects.toThrow('chaincode definition not agreed to by this org (Org2MSP)');
    expect(await commit(first, [1])).toBe('ENDORSEMENT_POLICY_FAILURE');
    await expect(committedDefinition(org(1), first, signal)).rejects.toMatchObject({ details: { status: 404 } });
    expect(await approve(2, first, ids[0])).toBe('VALID');
    expect(await ready(1, first)).toEqual({ Org1MSP: true, Org2MSP: true });
    expect(await commit(first)).toBe('VALID');
    await Promise.all([started.at(1, ids[0]), started.at(2, ids[0])]); // before anybody calls it
  });

  it('makes the chaincode run, by the policy of the channel', async () => {
    expect(await invoke([1, 2], ['put', 'a', 'one'])).toBe('VALID');
    expect(await invoke([1], ['put', 'b', 'two'])).toBe('ENDORSEMENT_POLICY_FAILURE');
    expect([await ask(1, 'get', 'a'), await ask(2, 'get', 'a'), await ask(1, 'get', 'b')]).toEqual(['one', 'one', '']);
    const { installedChaincodes } = await installedPackages(org(1), signal);
    expect(installedChaincodes.map(({ packageId, references }) => [packageId, references.get(CHANNEL)?.chaincodes])).toEqual([
      [ids[0], [{ name: 'kv', version: '1.0' }]],
    ]);
  });

  it('goes on where it was when the peers come back', async () => {
    await running[Symbol.asyncDispose]();
    await start();
    await Promise.all([started.at(1, ids[0]), started.at(2, ids[0])]);
    expect((await installedPackages(org(2), signal)).installedChaincodes.map(({ packageId }) => packageId)).toEqual([ids[0]]);
    expect(await ask(1, 'get', 'a')).toBe('one');
    expect((await approvedDefinition(org(2), first, signal)).source?.localPackage?.packageId).toBe(ids[0]);
    expect(await invoke([1, 2], ['put', 'a', 'three'])).toBe('VALID');
  });

  it('upgrades by the next sequence: another policy, a collection, and an initialisation', async () => {
    expect(await approve(1, second, ids[0])).toBe('VALID');
    expect(await approve(2, { ...second, initRequired: false }, ids[0])).toBe('VALID');
    expect(await ready(1, second)).toEqual({ Org1MSP: true, Org2MSP: false });
    expect(await approve(2, second, ids[0])).toBe('VALID');
    expect(await commit(second)).toBe('VALID');
    await expect(invoke([1], ['put', 'b', 'two'])).rejects.toThrow(
      "invalid invocation: chaincode 'kv' has not been initialized for this version, must call as init first",
    );
    expect(await invoke([1], ['init', 'c', 'begun'], true)).toBe('VALID');
    expect(await invoke([1], ['put', 'b', 'two'])).toBe('VALID');
    await expect(invoke([2], ['init', 'c', 'again'], true)).rejects.toThrow("chaincode 'kv' is already initialized but called as init");
    expect([await ask(2, 'get', 'a'), await ask(2, 'get', 'b'), await ask(1, 'get', 'c')]).toEqual(['three', 'two', 'begun']);
  });

  it('keeps private data with the members of its collection, and hashes everywhere', async () => {
    expect(await invoke([1], ['pput', 'ofOrg1', 'k', 'secret'])).toBe('VALID');
    expect(await ask(1, 'pget', 'ofOrg1', 'k')).toBe('secret');
    await expect(ask(2, 'pget', 'ofOrg1', 'k')).rejects.toThrow(/private data matching public hash version is not available/);
    expect(await ask(1, 'phash', 'ofOrg1', 'k')).toBe(await ask(2, 'phash', 'ofOrg1', 'k'));
    expect(await invoke([2], ['pput', '_implicit_org_Org2MSP', 'k', 'our own'])).toBe('VALID');
    expect(await ask(2, 'pget', '_implicit_org_Org2MSP', 'k')).toBe('our own');
    await expect(ask(1, 'pget', '_implicit_org_Org2MSP', 'k')).rejects.toThrow(
      /private data matching public hash version is not available/,
    );
    expect(await invoke([1], ['pput', '_implicit_org_Org2MSP', 'k', 'not theirs'])).toBe('ENDORSEMENT_POLICY_FAILURE');
    await expect(invoke([1], ['pput', 'nowhere', 'k', 'v'])).rejects.toThrow('collection mychannel/kv/nowhere could not be found');
  });

  it('runs another package for the same definition where its organisation says so', async () => {
    await expect(ask(1, 'build')).rejects.toThrow('unknown function build');
    await installPackage(org(1), packages[1], signal);
    expect(await approve(1, second, ids[1])).toBe('VALID');
    await started.at(1, ids[1]);
    expect(await ask(1, 'build')).toBe('the second package');
    await expect(ask(2, 'build')).rejects.toThrow('unknown function build');
    expect(await ask(1, 'get', 'a')).toBe('three');
    const inUse = async () => {
      const { installedChaincodes } = await installedPackages(org(1), signal);
      return installedChaincodes.flatMap(({ packageId, references }) => (references.size > 0 ? [packageId] : []));
    };
    expect(await inUse()).toEqual([ids[1]]);
    expect(await invoke([1, 2], ['put', 'a', 'four'])).toBe('VALID');
    expect(await approve(1, second, ids[0])).toBe('VALID');
    await expect(ask(1, 'build')).rejects.toThrow('unknown function build');
    expect(await inUse()).toEqual([ids[0]]);
  });

  it('waits for a package that is approved before it is installed, and runs none when that is what was approved', async () => {
    expect(await approve(2, second, ids[1])).toBe('VALID');
    await expect(ask(2, 'get', 'a')).rejects.toThrow("chaincode definition for 'kv' exists, but chaincode is not installed");
    await installPackage(org(2), packages[1], signal);
    await started.at(2, ids[1]);
    expect(await ask(2, 'build')).toBe('the second package');
    expect(await approve(2, second, undefined)).toBe('VALID');
    await expect(ask(2, 'build')).rejects.toThrow("chaincode definition for 'kv' exists, but chaincode is not installed");
  });

  it('refuses what is out of sequence or changes what is in force', async () => {
    await expect(approve(1, { ...second, sequence: 1n }, ids[0])).rejects.toThrow(
      'currently defined sequence 2 is larger than requested sequence 1',
    );
    await expect(approve(1, { ...second, sequence: 4n }, ids[0])).rejects.toThrow(
      'requested sequence 4 is larger than the next available sequence number 3',
    );
    await expect(approve(1, { ...second, version: '2.1' }, ids[0])).rejects.toThrow(
      "different parameters: expected Version '2.0' does not match passed Version '2.1'",
    );
    await expect(approve(1, { ...second, sequence: 3n, collections: { config: [] } }, ids[0])).rejects.toThrow(
      'the proposed collection config does not contain previously defined collections',
    );
  });

  it('leaves both peers with the same blocks', async () => {
    const hashes = await Promise.all(
      bothPeers().map(async (peer, at) => {
        const { signer } = clients.admins[at] ?? clients.user;
        const answer = await evaluate(peer, signer, { channelId: CHANNEL, chaincode: 'qscc', args: ['GetChainInfo', CHANNEL] }, signal);
        return hex(common.BlockchainInfo.decode(answer.payload).currentBlockHash);
      }),
    );
    expect(new Set(hashes).size).toBe(1);
  });
});
