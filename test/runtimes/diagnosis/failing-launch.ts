/** The chaincode half of a peer whose chaincode fails, for what needs another environment or machine than that of the tests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChaincodeRuntime } from '../../../src/chaincode/ports/runtime.ts';
import { GrpcClient } from '../../../src/comm/client.ts';
import { listen } from '../../../src/comm/server.ts';
import { messageOf, SelvageError } from '../../../src/common/errors.ts';
import type { Logger } from '../../../src/common/log.ts';
import { silent } from '../../../src/common/log.ts';
import { Scope } from '../../../src/common/scope.ts';
import { packSources } from '../../../src/packages/platforms/platforms.ts';
import { type TestPeerOptions, testPeer } from '../test-peer.ts';
import { type Files, folderWith } from './failing-peer.ts';
import { expectNothingLeft, expectSymptoms, type LogRecord, recorder, refusalOf, type Symptoms } from './symptoms.ts';

export interface FailingLaunchOptions {
  /** @param directory of this launch alone, for the runtime to work in */
  readonly runtime: (directory: string, log: Logger) => Promise<ChaincodeRuntime> | ChaincodeRuntime;
  /** Where the runtime works; a new folder if not given. */
  readonly directory?: string;
  readonly files?: Files;
  readonly code?: TestPeerOptions['code'];
  readonly ccid?: string;
  readonly parts?: TestPeerOptions['parts'];
  /** Build it before, so that the startup timeout is for starting alone. */
  readonly built?: boolean;
  readonly leftovers?: () => Promise<readonly string[]>;
}

/** Launches chaincode that must not start, by a call over gRPC, and checks what that is told and what is left. @returns what it is told */
export async function failingLaunch(options: FailingLaunchOptions, symptoms: Symptoms): Promise<string> {
  await using scope = new Scope();
  const folder = await mkdtemp(join(tmpdir(), 'selvage-failing-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const { directory = join(folder, 'runtime'), files = {}, ccid = 'failing:1', parts, leftovers = async () => [] } = options;
  const log: LogRecord[] = [];
  const runtime = scope.use(await options.runtime(directory, recorder(log)));
  const code = options.code ?? (await codeOf(await folderWith(join(folder, 'sources'), files)));
  const [name = '', version = ''] = ccid.split(':');
  if (options.built === true) await runtime.build({ ccid, name, version, ...code }, { signal: AbortSignal.timeout(240_000) });
  const peer = scope.use(await testPeer({ runtime, code, log: recorder(log), parts: { startupTimeoutMs: 200_000, ...parts } }));
  const handle = (_: Uint8Array, { signal }: { readonly signal: AbortSignal }): Promise<Uint8Array> =>
    peer.support.makeReady({ name, version, ccid }, { signal }).then(
      () => new Uint8Array(0),
      (thrown: unknown) => Promise.reject(new SelvageError('PROPOSAL_REFUSED', messageOf(thrown))), // as an endorser does
    );
  const server = scope.use(
    await listen({ address: '127.0.0.1:0', methods: [{ kind: 'unary', path: '/test/Launch', handle }], log: silent }),
  );
  const client = scope.use(new GrpcClient({ address: `127.0.0.1:${server.port}` }));
  const told = await refusalOf(client.unary('/test/Launch', new Uint8Array(0), { signal: AbortSignal.timeout(240_000) }));
  expectSymptoms(told, log, symptoms);
  await expectNothingLeft(directory, log);
  const left = await leftovers();
  if (left.length > 0) throw new Error(`this was left: ${left.join(', ')}`);
  return told;
}

async function codeOf(folder: string): Promise<NonNullable<TestPeerOptions['code']>> {
  const { type, ...sources } = await packSources(folder);
  return { ...sources, platform: { GOLANG: 'golang', NODE: 'node', JAVA: 'java' }[type] };
}
