/** A whole peer whose chaincode fails: the client hears of it over gRPC, from an endorsement. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { evaluate } from '../../../src/client/submit.ts';
import { Scope } from '../../../src/common/scope.ts';
import { privateCache } from '../../journeys/faulty-chaincode.ts';
import { never, type TestNetwork, type TestNetworkOptions, testNetwork } from '../../journeys/network.ts';
import { expectNothingLeft, expectSymptoms, type LogRecord, recorder, refusalOf, type Symptoms } from './symptoms.ts';

export type Files = Readonly<Record<string, string | Uint8Array>>;

export interface FailingPeer extends AsyncDisposable {
  readonly running: TestNetwork;
  /** For whatever a test needs; goes away with the peer. */
  readonly folder: string;
  readonly log: readonly LogRecord[];
  /** Deploys chaincode that must not start, and checks what it is told and what is left. @returns what the client was told */
  failure(files: Files, symptoms: Symptoms): Promise<string>;
  /** The same for chaincode whose package is refused: nothing is launched. */
  refusal(files: Files, wanted: RegExp): Promise<void>;
}

export interface FailingPeerOptions extends Omit<TestNetworkOptions, 'log' | 'cacheFolder' | 'settings'> {
  /** Of the peer; a function of its chaincode cache, because a section given here replaces the peer's own. */
  readonly settings?: (cache: string) => TestNetworkOptions['settings'];
  readonly cache?: string;
  /** What else must not be left, like containers. */
  readonly leftovers?: () => Promise<readonly string[]>;
}

export async function failingPeer(options: FailingPeerOptions = {}): Promise<FailingPeer> {
  const { settings, cache: given, leftovers = async () => [], ...rest } = options;
  await using scope = new Scope();
  const folder = await mkdtemp(join(tmpdir(), 'selvage-failures-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const cache = given ?? (await privateCache(folder));
  const log: LogRecord[] = [];
  const running = scope.use(
    await testNetwork({ ...rest, cacheFolder: cache, ...(settings && { settings: settings(cache) ?? {} }), log: recorder(log) }),
  );
  const owned = scope.move();
  let count = 0;
  const deployed = async (files: Files): Promise<{ readonly told: string; readonly records: readonly LogRecord[] }> => {
    count += 1;
    const name = `failing${count}`;
    const sources = await folderWith(join(folder, name), files);
    const from = log.length;
    const told = await refusalOf(running.deployFolder(name, sources));
    const records = log.slice(from);
    await expectNothingLeft(cache, records);
    expect(await leftovers()).toEqual([]);
    const { user, channel } = running.clients;
    const call = evaluate(user.peer, user.signer, { channelId: channel, chaincode: name, args: ['any'] }, { signal: never });
    expect(await refusalOf(call)).toContain(`chaincode ${name} not found`);
    return { told, records };
  };
  return {
    running,
    folder,
    log,
    failure: async (files, symptoms) => {
      const { told, records } = await deployed(files);
      expectSymptoms(told, records, symptoms);
      return told;
    },
    refusal: async (files, wanted) => {
      const { told, records } = await deployed(files);
      expect(told).toMatch(wanted);
      expect(records.filter(({ message }) => /^chaincode (build|process) started$/.test(message))).toEqual([]);
    },
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

export async function folderWith(folder: string, files: Files): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}
