/**
 * Released shims, old and new, against the peer: slow, and it fetches from the registries, so it runs when asked:
 * `SELVAGE_SHIM_VERSIONS=1 npx vitest run test/runtimes/shim-versions.test.ts`.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluate, submit } from '../../src/client/submit.ts';
import { textOf } from '../../src/common/bytes.ts';
import { never, repository, type TestNetwork, testNetwork } from '../journeys/network.ts';

const wanted = process.env['SELVAGE_SHIM_VERSIONS'] !== undefined;
const run = promisify(execFile);

type Change = readonly [file: string, from: RegExp, to: string];

interface Shim {
  readonly title: string;
  readonly sample: string;
  readonly changes: readonly Change[];
  /** After the changes, in the folder. */
  readonly prepare?: readonly string[];
}

/** Their JSON schema library is in no central repository any more, and only contracts need it. */
const WITHOUT_SCHEMAS =
  '<exclusions><exclusion><groupId>com.github.everit-org.json-schema</groupId><artifactId>*</artifactId></exclusion></exclusions>';

/** The schema library also brought the newer of two versions. */
const WITH_GUAVA: Change = [
  'pom.xml',
  /<dependencies>/,
  '<dependencies><dependency><groupId>com.google.guava</groupId><artifactId>guava</artifactId><version>28.2-jre</version></dependency>',
];

const javaShim = (version: string, exclusions = ''): Change => [
  'pom.xml',
  /<version>2\.5\.8<\/version>/,
  `<version>${version}</version>${exclusions}`,
];

/** Shims before 2.3 cannot wait for the peer to call. */
const MAIN = 'src/main/java/example/KeyValueChaincode.java';
const WITHOUT_SERVER: readonly Change[] = [
  [MAIN, /import java\.net\.InetSocketAddress;/, ''],
  [MAIN, /import .*\.ChaincodeServerProperties;/, ''],
  [MAIN, /import .*\.NettyChaincodeServer;/, ''],
  [MAIN, /import .*\.Metrics;/, ''],
  [MAIN, /import .*\.Traces;/, ''],
  [MAIN, /\/\*\* Dials the peer[\s\S]*$/, 'public static void main(final String[] args) { new KeyValueChaincode().start(args); }\n}\n'],
];

const SHIMS: readonly Shim[] = [
  { title: 'fabric-shim 2.2 for Node', sample: 'kv-node', changes: [['package.json', /"fabric-shim": ".*"/, '"fabric-shim": "^2.2.5"']] },
  {
    title: 'fabric-chaincode-go 1',
    sample: 'kv-go',
    changes: [
      ['main.go', /fabric-chaincode-go\/v2/, 'fabric-chaincode-go'],
      ['main.go', /"github.com\/hyperledger\/fabric-protos-go-apiv2\/peer"/, 'peer "github.com/hyperledger/fabric-protos-go/peer"'],
      ['main.go', /Init\(stub shim\.ChaincodeStubInterface\) \*peer\.Response/, 'Init(stub shim.ChaincodeStubInterface) peer.Response'],
      ['main.go', /Invoke\(stub shim\.ChaincodeStubInterface\) \*peer\.Response/, 'Invoke(stub shim.ChaincodeStubInterface) peer.Response'],
      ['main.go', /withStatus\(args \[\]string\) \*peer\.Response/, 'withStatus(args []string) peer.Response'],
      ['main.go', /return &peer\.Response/, 'return peer.Response'],
      ['operations.go', /fabric-chaincode-go\/v2/, 'fabric-chaincode-go'],
      ['go.mod', /require[\s\S]*/, 'require github.com/hyperledger/fabric-chaincode-go v0.0.0-20240704073638-9fb89180dc17\n'],
    ],
    prepare: ['go', 'mod', 'tidy'],
  },
  { title: 'fabric-shim 2.5 for Node', sample: 'kv-node', changes: [] },
  { title: 'fabric-chaincode-go 2', sample: 'kv-go', changes: [] },
  { title: 'fabric-chaincode-shim 1.4.1 for Java', sample: 'kv-java', changes: [javaShim('1.4.1'), ...WITHOUT_SERVER] },
  {
    title: 'fabric-chaincode-shim 1.4.6 for Java',
    sample: 'kv-java',
    changes: [javaShim('1.4.6', WITHOUT_SCHEMAS), WITH_GUAVA, ...WITHOUT_SERVER],
  },
  { title: 'fabric-chaincode-shim 2.2.1 for Java', sample: 'kv-java', changes: [javaShim('2.2.1', WITHOUT_SCHEMAS), ...WITHOUT_SERVER] },
  { title: 'fabric-chaincode-shim 2.4.1 for Java', sample: 'kv-java', changes: [javaShim('2.4.1', WITHOUT_SCHEMAS)] },
  { title: 'fabric-chaincode-shim 2.5 for Java', sample: 'kv-java', changes: [] },
];

describe.skipIf(!wanted)(`released shims${wanted ? '' : ' (skipped: SELVAGE_SHIM_VERSIONS is not set)'}`, () => {
  let network: TestNetwork;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvage-shims-'));
    network = await testNetwork();
  });

  afterAll(async () => {
    await network?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const changed = async ({ sample, changes, prepare }: Shim, name: string): Promise<string> => {
    const target = join(folder, name);
    await cp(join(repository, 'chaincodes', sample), target, { recursive: true });
    for (const [file, from, to] of changes) {
      const text = await readFile(join(target, file), 'utf8');
      expect(text, file).toMatch(from);
      await writeFile(join(target, file), text.replace(from, to));
    }
    const locks = changes.length === 0 ? [] : (await readdir(target)).filter((each) => /^(package-lock\.json|go\.sum)$/.test(each));
    for (const lock of locks) await rm(join(target, lock));
    const [file, ...args] = prepare ?? [];
    if (file !== undefined) await run(file, args, { cwd: target });
    return target;
  };

  it.each(SHIMS.map((shim, at) => [shim.title, shim, `shim${at}`] as const))('%s keeps and gives back state', async (_, shim, name) => {
    const { clients } = network;
    await network.deployFolder(name, await changed(shim, name));
    const [admin = clients.user] = clients.admins;
    const spec = (...args: readonly string[]) => ({ channelId: clients.channel, chaincode: name, args });
    const { signer } = clients.user;
    const parts = { signer, endorsers: [admin.peer], orderer: clients.orderer, listeners: [admin.peer] };
    const { commit } = await submit(parts, spec('put', 'key', 'of an older shim'), { signal: never });
    expect(commit?.codeName).toBe('VALID');
    const query = async (...args: readonly string[]) =>
      textOf((await evaluate(admin.peer, signer, spec(...args), { signal: never })).payload);
    expect(await query('get', 'key')).toBe('of an older shim');
    expect(JSON.parse(await query('range', 'a', 'z'))).toHaveLength(1);
    await expect(query('error', 'this went wrong')).rejects.toThrow('this went wrong');
  });
});
